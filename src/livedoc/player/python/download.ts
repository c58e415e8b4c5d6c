import { KEPT } from "../messages.ts"

type Fetch = typeof globalThis.fetch

/** A file did not come. */
export class Missing extends Error {
  /** The host says that there is none. */
  readonly isGone: boolean

  constructor(file: string, cause: unknown) {
    super(`${file} could not be loaded (${cause instanceof Error ? cause.message : String(cause)})`, { cause })
    this.isGone = cause instanceof Refused && (cause.status === 404 || cause.status === 410)
  }
}

class Refused extends Error {
  readonly status: number

  constructor(reason: string, { status }: Response) {
    super(reason)
    this.status = status
  }
}

/** The content of a file, while nothing else goes on. Throws Missing if it doesn't come. */
export function fetchNow(url: string): Uint8Array {
  try {
    try {
      return requested(url)
    } catch {
      return requested(url, { "Cache-Control": "no-cache" }) // as `insistent` does
    }
  } catch (cause) {
    throw new Missing(url.slice(url.lastIndexOf("/") + 1), cause)
  }
}

function requested(url: string, headers: Record<string, string> = {}): Uint8Array {
  const request = new XMLHttpRequest()
  request.open("GET", url, false)
  for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value)
  request.responseType = "arraybuffer"
  request.send()
  const type = request.getResponseHeader("Content-Type") ?? ""
  const refused = refusal(new Response(null, { status: request.status, headers: { "Content-Type": type } }))
  if (refused) throw refused
  return new Uint8Array(request.response as ArrayBuffer)
}

/** Watches what is fetched from one folder: how many bytes have come over the wire, of how many, and what did not come. */
export class Download {
  loaded = 0
  total = 0
  isLost = false
  /** Rejects as soon as a file does not come. */
  readonly lost: Promise<never>
  readonly #folder: string
  readonly #sizes: Readonly<Record<string, Size>>
  readonly #changed: () => void
  readonly #coming = new Set<string>()
  #lose: (reason: Error) => void = () => undefined

  /** `sizes` are those of the files, by their paths in `folder`. `changed` is called when anything is different. */
  constructor(folder: string, sizes: Readonly<Record<string, Size>>, changed: () => void) {
    this.#folder = folder
    this.#sizes = sizes
    this.#changed = changed
    this.lost = new Promise((_, reject) => (this.#lose = reject))
    this.lost.catch(() => undefined) // those who wait for it are told, and nobody has to wait
  }

  /** The files that have not come whole. */
  get coming(): string[] {
    return [...this.#coming]
  }

  /** `fetch`, watched. A file is asked for once `turn` has come, but its bytes count from the beginning. */
  watch(fetch: Fetch, turn: (file: string) => Promise<void> | undefined = () => undefined): Fetch {
    return async (input, init) => {
      const url = input instanceof Request ? input.url : String(input)
      if (!url.startsWith(this.#folder)) return fetch(input, init)
      const file = url.slice(this.#folder.length)
      this.total += this.#sizes[file]?.wire ?? 0
      await turn(file)
      this.#coming.add(file)
      this.#changed()
      try {
        return this.#counted(await insistent(fetch, input, init), file)
      } catch (error) {
        throw this.#notCome(file, error)
      }
    }
  }

  /** The response itself is given on: only of that one does a browser remember how WebAssembly was compiled. */
  #counted(response: Response, file: string): Response {
    if (response.headers.has(KEPT)) {
      this.#coming.delete(file)
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
    this.#coming.delete(file)
    this.#changed()
  }

  #notCome(file: string, cause: unknown): Missing {
    this.isLost = true
    const missing = new Missing(file, cause)
    this.#lose(missing)
    return missing
  }
}

/** Asks once more for what did not come, and then the host itself: a browser may keep an error as it keeps a file. */
async function insistent(fetch: Fetch, ...[input, init]: Parameters<Fetch>): Promise<Response> {
  const first = await fetch(input, init).catch(() => undefined)
  if (first && !refusal(first)) return first
  const second = await fetch(input, { ...init, cache: "reload" })
  const refused = refusal(second)
  if (refused) throw refused
  return second
}

function refusal(response: Response): Refused | undefined {
  if (!response.ok) return new Refused(`the server answered ${response.status}`, response)
  const isPage = /\bhtml\b/.test(response.headers.get("Content-Type") ?? "")
  return isPage ? new Refused("the server sent a web page instead", response) : undefined
}
