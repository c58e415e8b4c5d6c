/** What the page asks of the worker. */
export type Command =
  | { kind: "open"; interrupts: Uint8Array<SharedArrayBuffer> | undefined } // the first: a 2 in it stops a busy Python
  | { kind: "prepare"; source: string; isServed: boolean } // a run of it may come, or its app is to be served
  | { kind: "run"; run: number; path: string; source: string }
  // Without its main; once in a worker's life.
  | { kind: "serve"; run: number; path: string; source: string; disk: Disk; values: Values }
  // To what is served. It ends before its first operation of the kind `plug`.
  | { kind: "request"; run: number; request: AppRequest; values: Values; plug: Operation | undefined }
  | { kind: "stop"; run: number }

/** What the worker answers. Each answer names its run, because one of an older run may still arrive. */
export type Reply =
  | { kind: "loading"; run: number; loaded: number; total: number; awaits: string } // bytes
  | { kind: "starting"; run: number; awaits: string } // the rest of "it waited for …"
  | { kind: "running"; run: number }
  | { kind: "stopping"; run: number } // it was waiting, and is cancelled
  | ({ kind: "output"; run: number } & Change)
  | ({ kind: "done" } & Ended & Left)
  | ({ kind: "failed" } & Ended & Failure & Left)
  | { kind: "answered"; run: number; answer: Started | Answer | Cut }
  // Python itself could not start, or cannot go on: perhaps because the host no longer has a file.
  | { kind: "unavailable"; run: number; reason: string; isGone?: boolean }

export interface Ended {
  run: number
  seconds: number
  /** Python can't be made as it was before the run: the next one wants another worker. */
  spent: boolean
}

export interface Output {
  stream: "out" | "err"
  text: string
}

/** What there is to do for the output shown to be that of the program: take characters back from its end, then append. */
export interface Change extends Output {
  back: number
}

/** What went wrong: Python's traceback, the name of the exception, and the line of the script, counted from 1. */
export interface Failure {
  traceback: string
  error: string
  line: number | undefined
}

/** The files that a run left, and how many more there are. */
export interface Left {
  files: readonly WrittenFile[]
  unlisted: number
}

export interface WrittenFile {
  path: string
  size: number // bytes
  head: Uint8Array // the first of them
}

/** A name and a value. */
export type Header = readonly [string, string]

/** An HTTP request, as a browser sends it. */
export interface AppRequest {
  method: string
  /** The path and the query. */
  target: string
  /** The name by which the browser calls the server. */
  host: string
  headers: readonly Header[]
  body: Uint8Array
}

/** What is in the folder in which a server works: each folder before what is inside. */
export type Disk = readonly DiskEntry[]

/** A file, a folder or a link. */
export interface DiskEntry {
  /** Inside the folder, with a slash before it. */
  path: string
  mode: number
  milliseconds: number // since 1970, when it was last modified
  /** The bytes of a file, where a link leads, or undefined for a folder. */
  content: Uint8Array | string | undefined
}

/** What can be done to a file. An open counts if it makes the file, or empties it. */
export type Operation = "open" | "write" | "utime" | "rename" | "remove"

/** The plug was pulled while the server answered. It does nothing after this. */
export interface Cut {
  kind: "cut"
  operation: Operation
  /** The file that it would have been done to. */
  path: string
  disk: Disk
}

/** What a reader has set at the top level of a script, by name. */
export type Values = Readonly<Record<string, number | string>>

/** A name at the top level of a script that a reader can set. */
export interface Control {
  name: string
  /** The numbers that it can be; undefined: it's a string. */
  range: { low: number; high: number; step: number; unit: string } | undefined
  /** What the script sets it to. */
  value: number | string
}

/** What came of the start of a server. */
export interface Started {
  kind: "started"
  controls: readonly Control[]
  /** What the script did wrong. */
  failure: Failure | undefined
  store: Store
  disk: Disk
}

/** What came of a request. */
export interface Answer {
  kind: "response"
  status: number
  /** What HTTP calls the status. */
  reason: string
  headers: readonly Header[]
  /** The first bytes of the body. */
  body: Uint8Array
  /** The bytes of the whole body. */
  size: number
  seconds: number
  /** What the app raised. */
  failure: Failure | undefined
  records: readonly LogRecord[]
  /** The files that are new or different now. */
  changed: readonly string[]
  removed: readonly string[]
  store: Store
  disk: Disk
}

/** What the app keeps. */
export interface Store {
  files: readonly StoredFile[]
  /** How many more files there are. */
  unlisted: number
  watched: readonly Watched[]
}

export interface StoredFile extends WrittenFile {
  seconds: number // since 1970, when it was last modified
}

/** What an expression is worth. */
export interface Watched {
  expression: string
  text: string
  /** The keys and values of a mapping. */
  rows: readonly Header[] | undefined
}

/** What the app logged, with any logger and at any level. */
export interface LogRecord {
  logger: string
  level: string
  message: string
  extra: readonly Header[]
  traceback: string
}

/** What a page asks of the service worker: to keep these pages, or the whole site. */
export type Wish = { keep: readonly string[] | "everything" }

/** What the service worker then tells every open page, and while the whole site comes. */
export interface OfflineState {
  /** How many files are kept, and of how many. */
  kept: number
  of: number
  /** The reader wants the whole site. */
  everything: boolean
  /** Why some of it could not be kept: the browser is full, or the server did not send it. */
  trouble: "full" | "lost" | undefined
}

/** The service worker puts this header on what the browser has kept. */
export const KEPT = "Livedoc-Kept"

/** The names of all the caches that the service worker fills begin like this. */
export const CACHES = "livedoc-"
