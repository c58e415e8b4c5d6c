// Runs pytest in the browser's Python, under Node:
//   node pytest_in_node.ts RUNTIME WHEELS PROJECT MAIN
// Python has the packages of RUNTIME, the wheels in WHEELS, and PROJECT as its working directory. MAIN is a Python file in
// PROJECT with a function `main`. Unlike a program in the player, `main` can wait for a coroutine without `await`. The string
// that `main` returns goes to standard output, and everything it prints to standard error.

import { readFileSync, writeSync } from "node:fs"
import { readFile, readdir } from "node:fs/promises"
import path from "node:path"
import process from "node:process"
import { loadPyodide, type PyodideAPI } from "pyodide"
import type { PyCallable } from "pyodide/ffi"
import { Library } from "../python/library.ts"

async function start(folder: string): Promise<PyodideAPI> {
  const runtime = JSON.parse(await readFile(path.join(folder, "runtime.json"), "utf8")) as Runtime
  const indexURL = path.join(folder, runtime.core)
  const options = { indexURL, packageBaseUrl: folder, lockFileContents: runtime.lock, enableRunUntilComplete: true }
  const python = await loadPyodide(options)
  const write = (bytes: Uint8Array) => writeSync(process.stderr.fd, bytes)
  python.setStdout({ write })
  python.setStderr({ write })
  const load = (name: string) => readFile(path.join(folder, name))
  new Library(runtime, { load, loadNow: (name) => readFileSync(path.join(folder, name)) }).open(python)
  return python
}

async function load(python: PyodideAPI, wheels: string): Promise<void> {
  const names = Object.keys(python.lockfile.packages)
  const files = (await readdir(wheels)).map((name) => path.join(wheels, name))
  const errors: string[] = []
  await python.loadPackage([...names, ...files], {
    messageCallback: () => undefined,
    errorCallback: (message) => errors.push(message),
  })
  if (errors.length > 0) throw new Error(errors.join(" "))
}

async function call(python: PyodideAPI, project: string, file: string): Promise<string> {
  python.mountNodeFS("/project", project)
  python.FS.chdir("/project")
  const names = python.toPy({ __name__: "main", __file__: file })
  python.runPython(await readFile(path.join(project, file), "utf8"), { globals: names, filename: file })
  return (names.get("main") as PyCallable).callPromising() as Promise<string>
}

const [runtime = "", wheels = "", project = "", main = ""] = process.argv.slice(2)
try {
  const python = await start(path.resolve(runtime))
  await load(python, path.resolve(wheels))
  const result = await call(python, path.resolve(project), main)
  process.stdout.write(result, () => process.exit()) // the timer of a cancelled wait may run for days
} catch (error) {
  // Printed whole, an error of Pyodide's carries its source, a megabyte; its message is Python's traceback.
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}
