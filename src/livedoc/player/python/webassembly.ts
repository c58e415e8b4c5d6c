type Fetch = typeof globalThis.fetch

/** What `compileAhead` gives. */
export interface Ahead {
  fetch: Fetch
  /** Rejects where the browser can't compile or start the WebAssembly. Pyodide never says so: it waits. */
  unable: Promise<never>
}

/** Pyodide never says that the site's policy forbids WebAssembly: it waits. */
export async function mustAllowWebAssembly(): Promise<void> {
  const empty = new Uint8Array([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00])
  try {
    await WebAssembly.compile(empty)
  } catch (cause) {
    throw new Error("this site does not allow WebAssembly: its script-src needs 'wasm-unsafe-eval'", { cause })
  }
}

/**
 * `fetch`, after which the WebAssembly at `url` compiles as it comes, or once it has come if the browser can do no better.
 * Pyodide begins with it only once its JavaScript has been read, which takes as long and can go on beside it. `compiled`
 * is called when it is compiled.
 */
export function compileAhead(url: string, fetch: Fetch, compiled: () => void = () => undefined): Ahead {
  let fail: (reason: Error) => void = () => undefined
  const unable = new Promise<never>((_, reject) => (fail = reject))
  unable.catch(() => undefined) // those who wait for it are told, and nobody has to wait
  const { compileStreaming: compile = compileWhole, instantiateStreaming: instantiate = instantiateWhole } = WebAssembly
  let ahead: { response: Response; module: Promise<WebAssembly.Module> } | undefined
  WebAssembly.instantiateStreaming = async (source, imports) => {
    const response = await source
    if (response !== ahead?.response) return instantiate(response, imports)
    try {
      const module = await ahead.module
      return { module, instance: await WebAssembly.instantiate(module, imports) }
    } catch (cause) {
      // A TypeError means that it did not come whole, which the download tells.
      if (cause instanceof Error && !(cause instanceof TypeError))
        fail(new Error(`this browser can't run it (${cause.message}); a newer one may`, { cause }))
      throw cause
    }
  }
  return {
    async fetch(input, init) {
      const response = await fetch(input, init)
      if (String(input) === url && !ahead) {
        ahead = { response, module: compile(response) }
        ahead.module.then(compiled, () => undefined) // its instantiation will tell
      }
      return response
    },
    unable,
  }
}

async function compileWhole(response: Response): Promise<WebAssembly.Module> {
  return WebAssembly.compile(await response.arrayBuffer())
}

async function instantiateWhole(response: Response, imports?: WebAssembly.Imports) {
  return WebAssembly.instantiate(await response.arrayBuffer(), imports)
}
