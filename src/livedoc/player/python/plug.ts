import type { PyodideAPI } from "pyodide"
import type { Operation } from "../messages.ts"
import { FOLDER } from "./disk.ts"

type FS = PyodideAPI["FS"]

/** Emscripten's functions for what the system calls of Python do to a file. They change it, if these flags of `open` are set. */
interface Calls {
  open(path: string, flags: number | string, mode?: number): unknown
  write(stream: { path: string }, ...rest: unknown[]): number
  utime(path: string, ...rest: unknown[]): void
  rename(from: string, to: string): void
  unlink(path: string): void
}

const [O_CREAT, O_TRUNC] = [0o100, 0o1000]

/**
 * Has `pulled` called in place of the first operation of this kind on a file of the server. What is returned takes the
 * hooks away. `pulled` gets the file's path, and must not return: then nothing in Python runs after it, no `finally`
 * and no `except`.
 */
export function watchFor(FS: FS, operation: Operation, pulled: (path: string) => never, folder = FOLDER): () => void {
  const calls = FS as unknown as Calls
  const { open, write, utime, rename, unlink } = calls
  const at = (kind: Operation, path: string) => {
    if (kind === operation && path.startsWith(`${folder}/`)) pulled(path.slice(folder.length + 1))
  }
  calls.open = (path, flags, mode) => {
    // Only a file that it makes or empties: to open one changes nothing.
    if (typeof flags === "number" && flags & (O_CREAT | O_TRUNC)) at("open", path)
    return open.call(FS, path, flags, mode)
  }
  calls.write = (stream, ...rest) => {
    at("write", stream.path)
    return write.call(FS, stream, ...rest)
  }
  calls.utime = (path, ...rest) => {
    at("utime", path)
    utime.call(FS, path, ...rest)
  }
  calls.rename = (from, to) => {
    at("rename", from)
    rename.call(FS, from, to)
  }
  calls.unlink = (path) => {
    at("remove", path)
    unlink.call(FS, path)
  }
  return () => Object.assign(calls, { open, write, utime, rename, unlink })
}
