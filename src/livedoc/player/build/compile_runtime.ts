// Locks wheels and compiles archives of Python to bytecode, in place, with pyodide-build's own command line. Bytecode is that of the
// Python which makes it, so this runs inside Pyodide:
//   node compile_runtime.ts TOOLS ARCHIVES
// TOOLS is where pyodide-build is installed, and ARCHIVES holds what to compile and the lock to extend. What it makes is not compressed:
// a host compresses what it sends, and what is compressed twice stays bigger.

import path from "node:path"
import process from "node:process"
import { loadPyodide } from "pyodide"

const COMMANDS = `
import importlib.metadata, os, sys

sys.path.insert(0, "/tools")
sys.dont_write_bytecode = False  # the next run then imports the tools five times as fast
os.chdir("/archives")
commands = {command.name: command for command in importlib.metadata.entry_points(group="pyodide.cli")}

def run(name, *arguments):
    commands[name].load().main(args=arguments, standalone_mode=False)

wheels = sorted(name for name in os.listdir() if name.endswith(".whl"))
lock = "pyodide-lock.json"
run("lockfile", "add-wheels", "--input", lock, "--output", lock, "--base-path", ".", *wheels)
run("py-compile", ".", "--no-keep", "--silent", "--compression-level", "0")
`

async function compile(tools: string, archives: string): Promise<void> {
  const env = {
    HOME: "/home",
    NO_COLOR: "1",
    PYTHONNODEBUGRANGES: "1", // columns are of no use without the source, and a fifth of the bytecode
    SOURCE_DATE_EPOCH: process.env["SOURCE_DATE_EPOCH"] ?? "",
  }
  const python = await loadPyodide({ env })
  python.mountNodeFS("/archives", archives)
  python.mountNodeFS("/tools", tools)
  python.runPython(COMMANDS)
}

const [tools = "", archives = ""] = process.argv.slice(2)
try {
  await compile(path.resolve(tools), path.resolve(archives))
} catch (error) {
  // Printed whole, an error of Pyodide's carries its source, a megabyte; its message is Python's traceback.
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
