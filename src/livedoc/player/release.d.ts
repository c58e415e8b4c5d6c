// What the bundler puts in the place of these names, for the modules of one release to find each other.

/** The browser's Python and its packages: runtime.json. Paths are relative to the folder that holds it. */
interface Runtime {
  /** The folder of Pyodide, with its slash at the end. */
  core: string
  /** What continues the standard library, in this order. */
  parts: Part[]
  lock: import("pyodide").Lockfile
  sizes: Record<string, Size>
}

interface Part {
  file_name: string
  /** The modules by which a script shows that it needs this part. */
  imports: string[]
  /** The packages that need it. */
  packages: string[]
}

/** Bytes of a file, and how many of them travel once a host has compressed it. */
interface Size {
  raw: number
  wire: number
}

/** Where a module lies, relative to the one that names it. */
declare const WORKER: string
declare const EDITOR: string
declare const LAB: string
declare const LESSON: string
declare const DETAILS: string
declare const EXERCISE: string
declare const SEARCH_ENGINE: string

declare const RUNTIME: Runtime
/** Bytes on the wire for all of RUNTIME and the worker. */
declare const DOWNLOAD_SIZE: number
