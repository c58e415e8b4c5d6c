// Locks wheels and compiles archives of Python to bytecode, in place, with pyodide-build's own command line. Bytecode is that of the
// Python which makes it, so this runs inside Pyodide:
//   node compile_runtime.ts RUNTIME TOOLS ARCHIVE...
// RUNTIME holds pyodide.mjs and its companions, the lock to extend and the archives; TOOLS is where pyodide-build is installed.

import path from "node:path"
import process from "node:process"
import { pathToFileURL } from "node:url"

const COMMANDS = `
import importlib.metadata, os, sys

sys.path.insert(0, "/tools")
sys.dont_write_bytecode = False  # the next run then imports the tools five times as fast
os.chdir("/runtime")
commands = {command.name: command for command in importlib.metadata.entry_points(group="pyodide.cli")}

def run(name, *arguments):
    commands[name].load().main(args=arguments, standalone_mode=False)

wheels = [name for name in archives if name.endswith(".whl")]
others = [name for name in os.listdir() if name not in archives]
lock = "pyodide-lock.json"
run("lockfile", "add-wheels", "--input", lock, "--output", lock, "--base-path", ".", *wheels)
run("py-compile", ".", "--no-keep", "--silent", "--compression-level", "9", "--exclude", ",".join(others))
`

async function compile(runtime: string, tools: string, archives: string[]): Promise<void> {
  const { loadPyodide } = (await import(
    pathToFileURL(path.join(runtime, "pyodide.mjs")).href
  )) as typeof import("pyodide")
  const python = await loadPyodide({
    env: { HOME: "/home", NO_COLOR: "1", SOURCE_DATE_EPOCH: process.env["SOURCE_DATE_EPOCH"] ?? "" },
  })
  python.mountNodeFS("/runtime", runtime)
  python.mountNodeFS("/tools", tools)
  python.globals.set("archives", python.toPy(archives))
  python.runPython(COMMANDS)
}

const [runtime = "", tools = "", ...archives] = process.argv.slice(2)
try {
  await compile(path.resolve(runtime), path.resolve(tools), archives)
} catch (error) {
  // Printed whole, an error of Pyodide's carries its source, a megabyte; its message is Python's traceback.
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
