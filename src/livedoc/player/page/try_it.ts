import type { Lab, Options } from "../lab/lab.ts"
import type { Values } from "../messages.ts"
import { element } from "./element.ts"
import type { Action } from "./step.ts"

type LabModule = typeof import("../lab/lab.ts")
export type LoadLab = () => Promise<LabModule>
type About = Omit<Options, "browsers" | "values">

/** Under a block with an app: a button that opens a browser for it and starts its server, or the place of a laboratory. */
export class TryIt {
  readonly #root: HTMLElement
  readonly #load: LoadLab
  readonly #options: Omit<Options, "values">
  readonly #said = element("span", "snippet-try-said", { role: "status" })
  /** What stands where a laboratory is going to be; undefined: there is none before the reader wants it. */
  readonly #place: HTMLElement | undefined
  #lab: Lab | undefined
  #isLoading = false
  #values: Values = {} // which a link brought
  #opened: (element: HTMLElement) => void = () => undefined

  constructor(root: HTMLElement, load: LoadLab, about: About) {
    this.#root = root
    this.#load = load
    this.#place = placeAfter(root)
    const names = this.#place?.dataset.browsers?.split(" ")
    const title = `${names ? "Laboratory" : "Try it"}: ${about.title}`
    this.#options = { ...about, title, browsers: names ?? ["Alice"] }
    const button = element("button", "snippet-try", { type: "button", "aria-label": title }, "Try it")
    button.addEventListener("click", () => void this.#start())
    if (this.#place) {
      button.textContent = "Start"
      button.ariaLabel = null
      const offer = element(
        "span",
        "",
        {},
        "Start a server for this app, and a browser that shows what travels and what stays.",
      )
      this.#place.replaceChildren(element("p", "lab-title", {}, title), button, offer, this.#said)
    } else {
      const offer = element("span", "", {}, "Visit this app in a browser of its own.")
      root.append(element("p", "snippet-try-it", { translate: "yes" }, button, offer, this.#said))
    }
  }

  /** What the reader sees of it, if they see anything. */
  get element(): HTMLElement | undefined {
    return this.#lab?.element ?? this.#place
  }

  get isOpen(): boolean {
    return this.#lab !== undefined
  }

  /** Goes along with its block. */
  follow(): void {
    placeAfter(this.#root)?.remove()
    if (this.element) this.#root.after(this.element)
  }

  /** Ends the server. */
  close(): void {
    this.#lab?.close()
    this.#lab?.element.remove()
    this.#lab = undefined
  }

  /** Puts everything back to before the laboratory was opened. */
  reset(): void {
    this.close()
    this.follow()
  }

  /** Does what a step says. */
  async perform(action: Action): Promise<void> {
    const lab = await this.#open()
    await lab?.perform(action)
  }

  /** Sets the controls to what a link brought, as soon as there are any. */
  set(values: Values): void {
    this.#values = values
    if (this.#lab) return this.#lab.set(values)
    const set = Object.entries(values).map(([name, value]) => `${name} = ${JSON.stringify(value)}`)
    this.#said.textContent = set.length > 0 ? `The link sets ${set.join(" and ")}.` : ""
  }

  /** `open` is called with each lab that opens, and with the one that is open. */
  opened(open: (element: HTMLElement) => void): void {
    this.#opened = open
    if (this.#lab) open(this.#lab.element)
  }

  async #start(): Promise<void> {
    const lab = await this.#open()
    await lab?.start()
  }

  async #open(): Promise<Lab | undefined> {
    if (this.#isLoading) return undefined
    this.#isLoading = true
    this.#said.textContent = ""
    try {
      const { openLab } = await this.#load()
      if (!this.#root.isConnected) return undefined
      const isFocused = this.#place?.contains(document.activeElement)
      const lab = (this.#lab ??= openLab({ ...this.#options, values: this.#values }))
      if (lab.element.isConnected) return lab
      this.follow()
      this.#opened(lab.element)
      if (isFocused) lab.element.querySelector<HTMLElement>(".lab-start")?.focus({ preventScroll: true })
      return lab
    } catch {
      this.#said.textContent = `The browser could not be loaded: ${this.#place ? "Start" : "Try it"} tries again.`
      return undefined
    } finally {
      this.#isLoading = false
    }
  }
}

function placeAfter(root: HTMLElement): HTMLElement | undefined {
  const next = root.nextElementSibling
  return next instanceof HTMLElement && next.dataset.lab !== undefined ? next : undefined
}
