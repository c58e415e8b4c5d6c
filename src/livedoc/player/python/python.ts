import { loadPyodide, type PyodideAPI } from "pyodide"
import type { PyProxy } from "pyodide/ffi"
import type {
  Answer,
  AppRequest,
  Control,
  Cut,
  Disk,
  Failure,
  Left,
  Operation,
  Output,
  Started,
  Store,
  Values,
  WrittenFile,
} from "../messages.ts"
import { Checkpoint } from "./checkpoint.ts"
import { FOLDER, readDisk, writeDisk } from "./disk.ts"
import { Library, type Source } from "./library.ts"
import { Packages } from "./packages.ts"
import { watchFor } from "./plug.ts"
import { mustAllowWebAssembly } from "./webassembly.ts"

export interface Python {
  /**
   * Installs the packages that a script imports. Not while a script runs. What is served lives as long as Python, and
   * nothing has to be put back after it.
   */
  loadPackages(source: string, isServed?: boolean): Promise<void>
  /**
   * Runs a script to its end, in a process of its own: afterwards Python is as it was before. `print` gets the output as
   * it comes.
   */
  run(path: string, source: string, print: (output: Output) => void): Promise<Ended>
  /** Imports what the last script imported, which the next one then need not do. It may take a while. */
  importAhead(): void
  /** Executes a script without its main, in a folder with this disk, and serves its app as long as Python lives. */
  serve(path: string, source: string, disk: Disk, values: Values, print: (output: Output) => void): Promise<Started>
  /** Asks the app that is served, once it is. */
  answer(request: AppRequest, values: Values, plug: Plug | undefined, print: (output: Output) => void): Promise<Answer>
  /** Cancels the running script if it's waiting for something. */
  stop(): void
}

/** Before which operation the server ends, and what ends it. */
export interface Plug {
  operation: Operation
  pull: (cut: Cut) => never
}

export type Ended = { failure: Failure | undefined; spent: boolean } & Left

/** The module process.py. */
interface ProcessModule extends PyProxy {
  run(source: string, path: string, packages: string): Promise<Ending> & PyProxy
  stop(): void
  import_ahead(modules: readonly string[]): void
}

/** The module server.py. */
interface ServerModule extends PyProxy {
  Server: (path: string, packages: string) => Server
}

interface Server extends PyProxy {
  store: PyProxy
  controls: PyProxy
  start(source: string, folder: string, values: PyProxy): Promise<ShownFailure> & PyProxy
  set(values: PyProxy): void
  answer(method: string, target: string, headers: PyProxy, body: PyProxy, host: string): Promise<PythonAnswer> & PyProxy
}

interface PythonAnswer
  extends
    PyProxy,
    Omit<Answer, "kind" | "headers" | "body" | "failure" | "records" | "changed" | "removed" | "store" | "disk"> {
  headers: PyProxy
  body: PyProxy
  failure: ShownFailure
  records: PyProxy
  changed: PyProxy
  removed: PyProxy
  store: PyProxy
}

type ShownFailure = (PyProxy & Failure) | undefined

/** The classes of ending.py. */
interface Ending extends PyProxy {
  failure: ShownFailure
  files: PyProxy
  unlisted: number
  imported: PyProxy
}

/**
 * Starts Python, and downloads what `script` imports at the same time. `root` is the folder of the runtime (a URL, or a
 * path under Node, with its slash at the end), and `source` fetches files from there. A 2 in `interrupts` raises
 * KeyboardInterrupt in Python.
 */
export async function startPython(
  root: string,
  runtime: Runtime,
  script: string,
  source: Source,
  interrupts?: Uint8Array<SharedArrayBuffer>,
): Promise<Python> {
  const allowed = mustAllowWebAssembly()
  const files = { indexURL: root + runtime.core, packageBaseUrl: root }
  const coming = loadPyodide({ ...files, lockFileContents: runtime.lock })
  const library = new Library(runtime, source)
  const packages = new Packages(runtime.lock, library, source.load)
  packages.expect(script)
  const [pyodide] = await Promise.all([coming, allowed])
  if (interrupts) pyodide.setInterruptBuffer(interrupts)
  pyodide.setStdin({ stdin: () => null }) // nothing can be read: input() raises EOFError
  return playing(pyodide, packages, library)
}

function playing(pyodide: PyodideAPI, packages: Packages, library: Library): Python {
  const { run, stop, import_ahead } = pyodide.pyimport("_livedoc.process") as ProcessModule
  const there = packages.names.join(", ")
  const checkpoint = new Checkpoint(pyodide)
  library.open(pyodide, (archive) => checkpoint.accept(archive))
  let imported: readonly string[] = []
  let taken = false
  let streams: ReturnType<typeof decoded>[] = []
  let script = "" // the path of the one that runs
  const inside = Reflect.get(pyodide, "_api") as { fatal_error(error: unknown): unknown }
  const end = inside.fatal_error
  inside.fatal_error = (error) => {
    // It prints where Python was. The reader is shown where the script was.
    let stack = ""
    const [, err] = streams
    streams = [decoded((text) => (stack += text)), decoded((text) => (stack += text))]
    try {
      return end(error)
    } finally {
      const frames = stack.split("\n").filter((line) => line.includes(`File "${script}"`))
      if (frames.length > 0)
        err?.write(new TextEncoder().encode(`Stack (most recent call first):\n${frames.join("\n")}\n`))
    }
  }
  const heard = async <T>(path: string, print: (output: Output) => void, act: () => Promise<T>): Promise<T> => {
    const stream = (stream: Output["stream"]) => decoded((text) => print({ stream, text }))
    streams = [stream("out"), stream("err")]
    script = path
    const result = await act()
    await new Promise((resolve) => setTimeout(resolve)) // what Python has still to say to JavaScript
    for (const each of streams.splice(0)) each.end()
    return result
  }
  const pulled = ({ operation, pull }: Plug, path: string) =>
    pull({ kind: "cut", operation, path, disk: readDisk(pyodide.FS) })
  let server: Server | undefined
  let served = "" // its path
  pyodide.setStdout({ write: (bytes) => streams[0]?.write(bytes) ?? bytes.length })
  pyodide.setStderr({ write: (bytes) => streams[1]?.write(bytes) ?? bytes.length })
  return {
    async loadPackages(source, isServed = false) {
      if (isServed) await packages.install(pyodide, "import http, urllib") // as server.py does
      if (await packages.install(pyodide, source)) taken = false
      if (taken || isServed) return
      checkpoint.take()
      taken = true
    },
    async run(path, source, print) {
      const { failure, ...left } = await heard(path, print, async () => {
        const ending = await awaited(run(source, path, there))
        imported = ending.imported.toJs() as string[]
        return ended(ending)
      })
      const reachedOut = /\bjs\b|pyodide/.test(source) // what it changes in JavaScript stays changed
      return { failure, ...left, spent: !checkpoint.restore() || reachedOut }
    },
    async serve(path, source, disk, values, print) {
      const { Server } = pyodide.pyimport("_livedoc.server") as ServerModule
      const begun = (server = Server(path, there))
      served = path
      writeDisk(pyodide.FS, disk)
      return heard(path, print, async () => {
        const failure = failureOf(await awaited(begun.start(source, FOLDER, pyodide.toPy(values) as PyProxy)))
        const controls = controlsOf(begun.controls)
        return { kind: "started", failure, controls, store: storeOf(begun.store), disk: readDisk(pyodide.FS) }
      })
    },
    async answer({ method, target, headers, body, host }, values, plug, print) {
      const asked = server
      if (!asked) throw new Error("no app is served")
      const [named, content] = [pyodide.toPy(headers), pyodide.toPy(body)] as [PyProxy, PyProxy]
      asked.set(pyodide.toPy(values) as PyProxy)
      return heard(served, print, async () => {
        const unwatch = plug && watchFor(pyodide.FS, plug.operation, (path) => pulled(plug, path))
        try {
          const answer = await awaited(asked.answer(method, target, named, content, host))
          return answerOf(answer, readDisk(pyodide.FS))
        } finally {
          unwatch?.()
        }
      })
    },
    importAhead() {
      if (imported.length === 0) return
      import_ahead(imported)
      checkpoint.take()
    },
    stop,
  }
}

async function awaited<T>(coming: Promise<T> & PyProxy): Promise<T> {
  const result = await coming
  coming.destroy()
  return result
}

function ended(ending: Ending): Omit<Ended, "spent"> {
  const { unlisted } = ending
  const left = { failure: failureOf(ending.failure), files: filesOf(ending.files), unlisted }
  ending.destroy()
  return left
}

function answerOf(answer: PythonAnswer, disk: Disk): Answer {
  const { status, reason, size, seconds } = answer
  const records = answer.records.toJs() as [string, string, string, [string, string][], string][]
  const came: Answer = {
    kind: "response",
    status,
    reason,
    size,
    seconds,
    headers: answer.headers.toJs() as [string, string][],
    body: answer.body.toJs() as Uint8Array,
    failure: failureOf(answer.failure),
    records: records.map(([logger, level, message, extra, traceback]) => ({
      logger,
      level,
      message,
      extra,
      traceback,
    })),
    changed: answer.changed.toJs() as string[],
    removed: answer.removed.toJs() as string[],
    store: storeOf(answer.store),
    disk,
  }
  answer.destroy()
  return came
}

function failureOf(shown: ShownFailure): Failure | undefined {
  return shown && { traceback: shown.traceback, error: shown.error, line: shown.line }
}

function controlsOf(controls: PyProxy): Control[] {
  const all = controls.toJs() as [string, [number, number, number, string] | undefined, number | string][]
  return all.map(([name, range, value]) => {
    if (!range) return { name, range, value }
    const [low, high, step, unit] = range
    return { name, range: { low, high, step, unit }, value }
  })
}

function filesOf(files: PyProxy): WrittenFile[] {
  const written = files.toJs() as [string, number, Uint8Array][]
  return written.map(([path, size, head]) => ({ path, size, head }))
}

function storeOf(store: PyProxy): Store {
  const [files, unlisted, watched] = store.toJs() as [
    [string, number, Uint8Array, number][],
    number,
    [string, string, [string, string][] | undefined][],
  ]
  return {
    files: files.map(([path, size, head, seconds]) => ({ path, size, head, seconds })),
    unlisted,
    watched: watched.map(([expression, text, rows]) => ({ expression, text, rows })),
  }
}

/** A stream of bytes, as text. The bytes of a character may arrive in two parts, or not all. */
function decoded(print: (text: string) => void): { write(bytes: Uint8Array): number; end(): void } {
  const decoder = new TextDecoder()
  return {
    write(bytes) {
      print(decoder.decode(bytes, { stream: true }))
      return bytes.length
    },
    end: () => print(decoder.decode()),
  }
}
