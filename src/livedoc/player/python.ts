import type { PyodideAPI } from "pyodide"

export interface Python {
  /** Makes what the script imports importable. */
  loadPackages(source: string): Promise<void>
  /** Resolves to undefined if the script ended well, else to its traceback. `print` gets its output as it comes. */
  run(path: string, source: string, print: (text: string) => void): Promise<string | undefined>
}

/**
 * Starts the Python that lies in `folder` (a URL, or a path under Node, with its slash at the end).
 * `stage` is the text of stage.py.
 */
export async function startPython(folder: string, stage: string): Promise<Python> {
  await mustAllowWebAssembly()
  const { loadPyodide } = (await import(`${folder}pyodide.mjs`)) as typeof import("pyodide")
  return onStage(await loadPyodide({ indexURL: folder, packageBaseUrl: folder }), stage)
}

/** Pyodide would wait for ever for what the site's policy forbids. */
async function mustAllowWebAssembly(): Promise<void> {
  const empty = new Uint8Array([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00])
  try {
    await WebAssembly.compile(empty)
  } catch (cause) {
    throw new Error("this site does not allow WebAssembly: its script-src needs 'wasm-unsafe-eval'", { cause })
  }
}

function onStage(pyodide: PyodideAPI, stage: string): Python {
  const names = pyodide.toPy({ __name__: "stage" })
  pyodide.runPython(stage, { globals: names, filename: "stage.py" })
  const runOnStage = names.get("run") as (source: string, path: string) => Promise<string | undefined>
  return {
    async loadPackages(source) {
      const errors: string[] = []
      await pyodide.loadPackagesFromImports(source, {
        messageCallback: () => undefined,
        errorCallback: (message) => errors.push(message),
      })
      if (errors.length > 0) throw new Error(errors.join(" "))
    },
    run(path, source, print) {
      pyodide.setStdout(decoded(print))
      pyodide.setStderr(decoded(print))
      return runOnStage(source, path)
    },
  }
}

/** A stream of bytes, as text: a character may arrive in two parts. */
function decoded(print: (text: string) => void): { write(bytes: Uint8Array): number } {
  const decoder = new TextDecoder()
  return {
    write(bytes) {
      print(decoder.decode(bytes, { stream: true }))
      return bytes.length
    },
  }
}
