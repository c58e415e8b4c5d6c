import { CACHES, type OfflineState, type Wish } from "../messages.ts"
import { element } from "./element.ts"
import { megabytes } from "./status.ts"

/** In the browser's storage once the reader has removed what was kept: another run does not keep it again. */
const REMOVED = "livedoc-offline-removed"
/** In the tab's storage: the pages that it has shown. The first run keeps them all. */
const VISITED = "livedoc-offline-visited"

/** Said where the browser keeps nothing, or nothing for this address. */
const UNABLE = "This browser can't save the site for offline use."

/** Keeps the pages that the reader visits, from the first run on, and the whole site if asked to. */
export class Offline {
  readonly #root: string
  readonly #download: number
  readonly #worker = serviceWorker()
  readonly #status = element("p", "", { role: "status" })
  readonly #progress = element("progress", "", { "aria-label": "Files kept" })
  readonly #all = element("button", "", { type: "button" }, "Available offline")
  readonly #remove = element("button", "", { type: "button" }, "Remove")
  #rest = 0
  /** The reader has removed what was kept. What the worker still had to say of it comes late. */
  #isRemoved = false

  /** `root` is the URL of the site; `download`: the bytes that a first run fetches. */
  constructor(root: string, download: number) {
    this.#root = root
    this.#download = download
    this.#all.addEventListener("click", () => void this.#keepEverything())
    this.#remove.addEventListener("click", () => void this.#forget())
    this.#worker?.addEventListener("message", ({ data }: MessageEvent<OfflineState>) => {
      if (!this.#isRemoved) this.#show(data)
    })
  }

  /** The reader has come to a page. */
  async visit(): Promise<void> {
    const place = document.querySelector<HTMLElement>(".offline")
    if (!place) return
    if (!this.#worker) return place.replaceChildren(UNABLE)
    this.#rest = Number(place.dataset.rest)
    place.replaceChildren(this.#status, this.#progress, this.#all, this.#remove)
    try {
      sessionStorage.setItem(VISITED, JSON.stringify([...new Set([...this.#visited, location.pathname])]))
      const registration = await this.#registration()
      if (!registration) return this.#show(undefined)
      registration.onupdatefound = () => void this.visit() // the next release keeps this page too
      this.#ask(registration, this.#visited)
    } catch {
      place.replaceChildren(UNABLE)
    }
  }

  /** The reader has run a program. */
  async begin(): Promise<void> {
    try {
      if (!localStorage.getItem(REMOVED)) await this.#register(this.#visited)
    } catch {
      // This browser keeps nothing, or the network failed: the next run tries again.
    }
  }

  async #keepEverything(): Promise<void> {
    try {
      localStorage.removeItem(REMOVED)
      await this.#register("everything")
    } catch {
      this.#status.textContent = "This browser cannot keep it: it has no storage for this site, or no network."
    }
  }

  async #register(keep: Wish["keep"]): Promise<void> {
    this.#isRemoved = false
    const url = new URL("sw.js", this.#root)
    await this.#worker?.register(url)
    const registration = await this.#worker?.ready
    if (registration) this.#ask(registration, keep)
  }

  /** A release that is about to take over is the one to keep new pages. */
  #ask({ installing, waiting, active }: ServiceWorkerRegistration, keep: Wish["keep"]): void {
    const worker = installing ?? waiting ?? active
    worker?.postMessage({ keep } satisfies Wish)
  }

  async #forget(): Promise<void> {
    this.#isRemoved = true
    try {
      localStorage.setItem(REMOVED, "yes")
    } catch {
      // A browser that keeps no such note keeps the site again after the next run.
    }
    const registration = await this.#registration()
    await registration?.unregister()
    const names = (await caches.keys()).filter((name) => name.startsWith(CACHES))
    await Promise.all(names.map((name) => caches.delete(name)))
    this.#show(undefined)
  }

  get #visited(): string[] {
    return JSON.parse(sessionStorage.getItem(VISITED) ?? "[]") as string[]
  }

  async #registration(): Promise<ServiceWorkerRegistration | undefined> {
    return this.#worker?.getRegistration(this.#root)
  }

  #show(state: OfflineState | undefined): void {
    const whole = state !== undefined && state.kept === state.of
    const coming = state !== undefined && state.everything && !whole && !state.trouble
    this.#status.textContent = this.#text(state, whole, coming)
    this.#progress.max = state?.of ?? 1
    this.#progress.value = state?.kept ?? 0
    this.#progress.hidden = !coming
    const focused = [this.#all, this.#remove].find((button) => button === document.activeElement)
    this.#all.hidden = whole || coming
    this.#remove.hidden = !state
    if (focused?.hidden) (this.#all.hidden ? this.#remove : this.#all).focus() // what is hidden loses the focus
  }

  #text(state: OfflineState | undefined, whole: boolean, coming: boolean): string {
    if (!state) return `The whole site without a network: ${megabytes(this.#download + this.#rest)} MB, once.`
    if (whole) return "The whole site is available offline."
    if (coming) return "The whole site is coming."
    if (state.trouble === "full") return "This browser has no room for it."
    if (state.trouble === "lost") return "Not all of it is here: the network failed, or the site has just changed."
    return `The pages that you open are available offline. All others: ${megabytes(this.#rest)} MB.`
  }
}

/** Undefined in a browser that has none, or lets this page have none. */
function serviceWorker(): ServiceWorkerContainer | undefined {
  try {
    return Reflect.get(navigator, "serviceWorker") as ServiceWorkerContainer | undefined
  } catch {
    return undefined
  }
}
