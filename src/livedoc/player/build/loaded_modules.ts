// Prints what programs print at their end, as JSON: which of Python's modules they have loaded.
//   node loaded_modules.ts RUNTIME PROGRAM...
// Each PROGRAM runs as one of a block does, in a process of its own.

import { readFileSync } from "node:fs"
import { readFile } from "node:fs/promises"
import path from "node:path"
import process from "node:process"
import { startPython } from "../python/python.ts"

async function printed(folder: string, programs: readonly string[]): Promise<string[]> {
  const runtime = JSON.parse(readFileSync(path.join(folder, "runtime.json"), "utf8")) as Runtime
  const load = (name: string) => readFile(path.join(folder, name))
  const loadNow = (name: string) => readFileSync(path.join(folder, name))
  const python = await startPython(`${folder}/`, runtime, "", { load, loadNow })
  const outputs: string[] = []
  for (const program of programs) {
    let output = ""
    await python.loadPackages(program)
    const { failure } = await python.run("program.py", program, ({ text }) => (output += text))
    if (failure) throw new Error(failure.traceback)
    outputs.push(output)
  }
  return outputs
}

const [folder = "", ...programs] = process.argv.slice(2)
try {
  console.log(JSON.stringify(await printed(path.resolve(folder), programs)))
} catch (error) {
  // Printed whole, an error of Pyodide's carries its source, a megabyte; its message is Python's traceback.
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
