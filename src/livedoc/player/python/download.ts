import { KEPT } from "../messages.ts"

type Fetch = typeof globalThis.fetch

/** Watches what is fetched from one folder: how many bytes have come over the wire, of how many, and what did not come. */
export class Download {
  loaded = 0
  total = 0
  /** Rejects as soon as a file does not come. */
  readonly lost: Promise<never>
  readonly #folder: string
  readonly #sizes: Readonly<Record<string, Size>>
  readonly #changed: () => void
  #lose: (reason: Error) => void = () => undefined

  /** `sizes` are those of the files, by their paths in `folder`. `changed` is called when `loaded` or `total` is another number. */
  constructor(folder: string, sizes: Readonly<Record<string, Size>>, changed: () => void) {
    this.#folder = folder
    this.#sizes = sizes
    this.#changed = changed
    this.lost = new Promise((_, reject) => (this.#lose = reject))
    this.lost.catch(() => undefined) // those who wait for it are told, and nobody has to wait
  }

  /** `fetch`, watched. */
  watch(fetch: Fetch): Fetch {
    return async (input, init) => {
      const url = input instanceof Request ? input.url : String(input)
      if (!url.startsWith(this.#folder)) return fetch(input, init)
      const file = url.slice(this.#folder.length)
      this.total += this.#sizes[file]?.wire ?? 0
      this.#changed()
      try {
        const response = await fetch(input, init)
        if (!response.ok) throw new Error(`the server answered ${response.status}`)
        if (/\bhtml\b/.test(response.headers.get("Content-Type") ?? ""))
          throw new Error("the server sent a web page instead")
        return this.#counted(response, file)
      } catch (error) {
        this.#notCome(file, error)
        throw error
      }
    }
  }

  /** The response itself is given on: only of that one does a browser remember how WebAssembly was compiled. */
  #counted(response: Response, file: string): Response {
    if (response.headers.has(KEPT)) {
      this.loaded += this.#sizes[file]?.wire ?? 0 // to count it as it comes would take longer than it takes to come
      this.#changed()
    } else this.#count(response.clone(), file).catch((error: unknown) => this.#notCome(file, error))
    return response
  }

  async #count(copy: Response, file: string): Promise<void> {
    // What arrives here is unpacked already.
    const { raw, wire } = this.#sizes[file] ?? { raw: 1, wire: 0 }
    let unpacked = 0
    let counted = 0
    const count = new WritableStream<Uint8Array>({
      write: (chunk) => {
        unpacked += chunk.byteLength
        this.loaded -= counted
        counted = Math.round((unpacked * wire) / raw)
        this.loaded += counted
        this.#changed()
      },
    })
    await copy.body?.pipeTo(count)
  }

  #notCome(file: string, cause: unknown): void {
    const reason = cause instanceof Error ? cause.message : String(cause)
    this.#lose(new Error(`${file} could not be loaded (${reason})`, { cause }))
  }
}
