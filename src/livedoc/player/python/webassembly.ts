type Fetch = typeof globalThis.fetch

/**
 * `fetch`, after which the WebAssembly at `url` compiles as it comes. Pyodide begins with that only once its JavaScript has
 * been read, which takes as long and can go on beside it.
 */
export function compileAhead(url: string, fetch: Fetch): Fetch {
  const instantiate = WebAssembly.instantiateStreaming
  let ahead: { response: Response; module: Promise<WebAssembly.Module> } | undefined
  WebAssembly.instantiateStreaming = async (source, imports) => {
    const response = await source
    if (response !== ahead?.response) return instantiate(response, imports)
    const module = await ahead.module
    return { module, instance: await WebAssembly.instantiate(module, imports) }
  }
  return async (input, init) => {
    const response = await fetch(input, init)
    if (String(input) === url && !ahead) {
      ahead = { response, module: WebAssembly.compileStreaming(response) }
      ahead.module.catch(() => undefined) // its instantiation will tell
    }
    return response
  }
}
