// Runs a script as a plain use of Pyodide would, in a worker, and passes on what it prints.
import { loadPyodide } from "/stock/pyodide.mjs"

const stock = new URL("/stock/", location.href).href
const python = await loadPyodide({
  indexURL: stock,
  packageBaseUrl: stock,
  stdout: (line) => postMessage(line),
})
addEventListener("message", async ({ data: script }) => {
  await python.loadPackagesFromImports(script, { messageCallback: () => {} })
  await python.runPythonAsync(script)
})
postMessage("")
