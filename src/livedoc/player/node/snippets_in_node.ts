// Runs scripts one after the other in the browser's Python, under Node:
//   node snippets_in_node.ts RUNTIME with-jspi|without-jspi
// Standard input: [{path, source}]. Standard output: [{path, output, error, waitedFor, spent}].

import { readFileSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { resolve } from "node:path"
import process from "node:process"
import { json } from "node:stream/consumers"
import { type Python, startPython } from "../python/python.ts"

interface Script {
  path: string
  source: string
}

interface Result {
  path: string
  output: string
  error: string | null
  /** The files of the runtime that the script had to wait for while it ran. */
  waitedFor: string[]
  /** Python couldn't be put back. */
  spent: boolean
}

/** Not every browser has stack switching. Snippets must work with it and without. */
function chooseStackSwitching(mode: string | undefined): void {
  if (mode === "without-jspi") Reflect.deleteProperty(WebAssembly, "Suspending")
  else if (!("Suspending" in WebAssembly)) throw new Error("start node with --experimental-wasm-stack-switching")
}

async function perform(python: Python, { path, source }: Script): Promise<Result> {
  let output = ""
  await python.loadPackages(source)
  fetched = []
  const { failure, spent } = await python.run(path, source, ({ text }) => (output += text))
  return { path, output, error: failure?.traceback ?? null, waitedFor: fetched, spent }
}

const [folder = "", mode] = process.argv.slice(2)
chooseStackSwitching(mode)
const scripts = (await json(process.stdin)) as Script[]
const described = JSON.parse(await readFile(`${folder}/runtime.json`, "utf8")) as Runtime
const load = (path: string) => readFile(resolve(folder, path))
let fetched: string[] = []
const loadNow = (path: string) => {
  fetched.push(path)
  return readFileSync(resolve(folder, path))
}
const python = await startPython(`${resolve(folder)}/`, described, "", { load, loadNow })
const results: Result[] = []
for (const script of scripts) results.push(await perform(python, script))
// A timer that a script has cancelled would still keep this process alive, for a day if it says so.
process.stdout.write(JSON.stringify(results), () => process.exit())
