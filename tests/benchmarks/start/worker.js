// Starts the Python that lives in ?runtime=, imports what a snippet would, prints, and tells the page.
const runtime = new URL(new URL(self.location.href).searchParams.get("runtime"), self.location.href).href
const { loadPyodide } = await import(`${runtime}pyodide.mjs`)
const python = await loadPyodide({
  indexURL: runtime,
  packages: ["anyio", "msgspec", "starlette", "httpx2"],
  stdout: (line) => self.postMessage(line),
})
python.runPython("import anyio, msgspec, starlette.applications, httpx2; print('first print')")
