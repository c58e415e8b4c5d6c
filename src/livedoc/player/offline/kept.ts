import { CACHES, KEPT } from "../messages.ts"

/** A release of the site, as offline.py writes it. */
export interface Release {
  name: string
  /** The folder of what makes blocks run. */
  player: string
  /** A hash of each file's content, by its URL from the site's root. That of a page is a folder, or ends with `.html`. */
  files: Readonly<Record<string, string>>
}

/** An empty cache of this name says that the reader wants the whole site. */
const EVERYTHING = `${CACHES}everything`
const REFERENCE = /(?:src|href)="([^"]*)"|url\(["']?([^"')]*)/g

/**
 * The files that a browser keeps of one release. Each is as the release has it, for what comes is compared by its hash:
 * the server may have another release by then.
 */
export class Kept {
  readonly #release: Release
  readonly #root: string
  readonly #caches: CacheStorage
  readonly #name: string
  readonly #coming = new Map<string, Promise<void>>()
  readonly #opened = new Map<string, Cache>()

  /** `root` is the URL of the site, with its slash at the end. */
  constructor(release: Release, root: string, caches: CacheStorage) {
    this.#release = release
    this.#root = root
    this.#caches = caches
    this.#name = CACHES + release.name
  }

  /** The path of a URL, if it is one of this release. */
  pathOf(url: string): string | undefined {
    const { origin, pathname } = new URL(url, this.#root)
    const address = (origin + pathname).replace(/\/index\.html$/, "/")
    const path = address.slice(this.#root.length)
    return address.startsWith(this.#root) && Object.hasOwn(this.#release.files, path) ? path : undefined
  }

  match(path: string): Promise<Response | undefined> {
    return this.#match(path, this.#name)
  }

  /** Keeps files, and what the pages among them need. Rejects if one does not come as the release has it. */
  async keep(paths: readonly string[]): Promise<void> {
    const player = this.#files.filter((path) => path.startsWith(this.#release.player))
    await this.#keepAll([...paths, ...(paths.some(isPage) ? player : [])], () => undefined)
  }

  /** Keeps the whole site, and has it noted for later releases. `came` is called after each file. */
  async keepEverything(came: () => unknown): Promise<void> {
    await this.#caches.open(EVERYTHING)
    const { kept, of } = await this.count()
    if (kept < of) await this.#keepAll(this.#files, came)
  }

  /** Whether the reader wants the whole site. */
  everything(): Promise<boolean> {
    return this.#caches.has(EVERYTHING)
  }

  /** Notes that the browser is full, and that visited pages have to do. */
  async settleForLess(): Promise<void> {
    await this.#caches.delete(EVERYTHING)
  }

  /** Keeps of this release what the browser keeps of earlier ones. All of it, or this rejects and nothing is kept. */
  async takeOver(): Promise<void> {
    try {
      const held = await Promise.all((await this.#earlier()).map((name) => this.#held(name)))
      await this.keep(held.flat())
    } catch (error) {
      await this.#caches.delete(this.#name)
      throw error
    }
  }

  async forgetEarlier(): Promise<void> {
    await all(await this.#earlier(), (name) => this.#caches.delete(name))
  }

  /** How many files are kept, and of how many. */
  async count(): Promise<{ kept: number; of: number }> {
    return { kept: (await this.#held(this.#name)).length, of: this.#files.length }
  }

  /** The pages that are kept: path and title, as HTML. */
  async pages(): Promise<[path: string, title: string][]> {
    const paths = (await this.#held(this.#name)).filter(isPage).sort()
    const texts = await Promise.all(paths.map(async (path) => (await this.match(path))?.text()))
    return paths.map((path, index) => [path, /<title>([^<]*)/.exec(texts[index] ?? "")?.[1] || path])
  }

  async #keepAll(paths: readonly string[], came: () => unknown): Promise<void> {
    if (paths.length > 0) this.#opened.set(this.#name, await this.#caches.open(this.#name))
    await all(paths, (path) => this.#keep(path).then(came))
  }

  #keep(path: string): Promise<void> {
    const coming = this.#coming.get(path) ?? this.#fetch(path).finally(() => this.#coming.delete(path))
    this.#coming.set(path, coming)
    return coming
  }

  async #fetch(path: string): Promise<void> {
    let response = await this.match(path)
    if (!response) {
      response = (await this.#fromEarlier(path)) ?? (await this.#fromServer(path))
      const cache = await this.#cache(this.#name)
      if (!cache) throw new Error("the reader has removed what was kept")
      await cache.put(this.#root + path, response.clone())
    }
    if (isPage(path) || path.endsWith(".css")) {
      await all(this.#references(path, await response.text()), (needed) => this.#keep(needed))
    }
  }

  async #fromEarlier(path: string): Promise<Response | undefined> {
    for (const name of await this.#earlier()) {
      const same = await this.#verified(path, await this.#match(path, name))
      if (same) return same
    }
    return undefined
  }

  async #fromServer(path: string): Promise<Response> {
    const url = this.#root + path
    const kept = await this.#verified(path, await fetch(url).catch(() => undefined))
    // What the browser's own cache has may be an error, or of another release.
    const verified = kept ?? (await this.#verified(path, await fetch(url, { cache: "reload" })))
    if (!verified) throw new Error(`the server does not have ${path} of this release`)
    return verified
  }

  async #verified(path: string, response: Response | undefined): Promise<Response | undefined> {
    if (!response?.ok) return undefined
    const content = await response.arrayBuffer()
    if (this.#release.files[path] !== (await hash(content))) return undefined
    const verified = new Response(content, response)
    verified.headers.set(KEPT, "yes")
    return verified
  }

  /** What a page or a style sheet loads. */
  #references(path: string, text: string): string[] {
    const base = this.#root + path
    const found = [...text.matchAll(REFERENCE)].map(([, link, inStyle]) => link ?? inStyle ?? "")
    const paths = found.map((url) => this.#pathFrom(base, url))
    return paths.filter((path) => path !== undefined && !isPage(path)) as string[]
  }

  #pathFrom(base: string, url: string): string | undefined {
    try {
      return this.pathOf(new URL(url, base).href)
    } catch {
      return undefined // it's no address
    }
  }

  async #held(name: string): Promise<string[]> {
    const requests = (await (await this.#cache(name))?.keys()) ?? []
    return requests.map(({ url }) => this.pathOf(url)).filter((path) => path !== undefined)
  }

  /** The cache of this name, if there is one. It's opened once: the reader may just have removed it, and to open makes one. */
  async #cache(name: string): Promise<Cache | undefined> {
    if (!(await this.#caches.has(name))) return undefined
    const cache = this.#opened.get(name) ?? (await this.#caches.open(name))
    this.#opened.set(name, cache)
    return cache
  }

  async #earlier(): Promise<string[]> {
    const names = await this.#caches.keys()
    return names.filter((name) => name.startsWith(CACHES) && name !== this.#name && name !== EVERYTHING)
  }

  #match(path: string, cacheName: string): Promise<Response | undefined> {
    return this.#caches.match(this.#root + path, { cacheName, ignoreVary: true })
  }

  get #files(): string[] {
    return Object.keys(this.#release.files)
  }
}

function isPage(path: string): boolean {
  return path === "" || path.endsWith("/") || path.endsWith(".html")
}

/** Does all of it, even if a part fails, and then rejects with the first failure. */
async function all<Part>(parts: readonly Part[], action: (part: Part) => Promise<unknown>): Promise<void> {
  const results = await Promise.allSettled(parts.map(action))
  const failed = results.find(({ status }) => status === "rejected")
  if (failed?.status === "rejected") throw failed.reason
}

/** As offline.py makes it. */
async function hash(content: ArrayBuffer): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content)).slice(0, 8)
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("")
}
