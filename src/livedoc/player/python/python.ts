import { loadPyodide, type PyodideAPI } from "pyodide"
import type { PyProxy } from "pyodide/ffi"
import type { Failure, Left, Output, WrittenFile } from "../messages.ts"
import { type Load, Packages } from "./packages.ts"
import { mustAllowWebAssembly } from "./webassembly.ts"

export interface Python {
  /** Installs the packages that a script imports. */
  loadPackages(source: string): Promise<void>
  /** Runs a script to its end, in a process of its own. `print` gets the output as it comes. */
  run(path: string, source: string, print: (output: Output) => void): Promise<Ended>
  /** Cancels the running script if it's waiting for something. */
  stop(): void
}

export type Ended = { failure: Failure | undefined } & Left

/** The module process.py. */
interface ProcessModule extends PyProxy {
  run(source: string, path: string, packages: string): Promise<Ending>
  stop(): void
}

/** The classes of ending.py. */
interface Ending extends PyProxy {
  failure: (PyProxy & Failure) | undefined
  files: PyProxy
  unlisted: number
}

/**
 * Starts Python, and downloads the packages of `source` at the same time. `root` is the folder of the runtime (a URL, or a
 * path under Node, with its slash at the end), and `load` fetches a file from there. A 2 in `interrupts` raises
 * KeyboardInterrupt in Python.
 */
export async function startPython(
  root: string,
  runtime: Runtime,
  source: string,
  load: Load,
  interrupts?: Uint8Array<SharedArrayBuffer>,
): Promise<Python> {
  const allowed = mustAllowWebAssembly()
  const files = { indexURL: root + runtime.core, packageBaseUrl: root }
  const coming = loadPyodide({ ...files, lockFileContents: runtime.lock })
  const packages = new Packages(runtime.lock, load)
  packages.expect(source)
  const [pyodide] = await Promise.all([coming, allowed])
  if (interrupts) pyodide.setInterruptBuffer(interrupts)
  pyodide.setStdin({ stdin: () => null }) // nothing can be read: input() raises EOFError
  return playing(pyodide, packages)
}

function playing(pyodide: PyodideAPI, packages: Packages): Python {
  // Taken once, before a program can change them.
  const { run, stop } = pyodide.pyimport("_livedoc.process") as ProcessModule
  const there = packages.names.join(", ")
  return {
    loadPackages: (source) => packages.install(pyodide, source),
    async run(path, source, print) {
      const [out, err] = [
        decoded((text) => print({ stream: "out", text })),
        decoded((text) => print({ stream: "err", text })),
      ]
      pyodide.setStdout(out)
      pyodide.setStderr(err)
      const ending = ended(await run(source, path, there))
      for (const stream of [out, err]) stream.end()
      return ending
    },
    stop,
  }
}

function ended(ending: Ending): Ended {
  const { failure: shown, unlisted } = ending
  const failure = shown && { traceback: shown.traceback, error: shown.error, line: shown.line }
  const left = ending.files.toJs() as [string, number, Uint8Array][]
  ending.destroy()
  return { failure, files: left.map(([path, size, head]): WrittenFile => ({ path, size, head })), unlisted }
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
