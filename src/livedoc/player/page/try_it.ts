import type { Lab, Options } from "../lab/lab.ts"
import { element } from "./element.ts"

type LabModule = typeof import("../lab/lab.ts")
export type LoadLab = () => Promise<LabModule>

/** Under a block with an app: a button that opens a browser for it, and starts its server. */
export class TryIt {
  readonly #root: HTMLElement
  readonly #load: LoadLab
  readonly #options: Options
  readonly #said = element("span", "snippet-try-said", { role: "status" })
  readonly #button: HTMLButtonElement
  #lab: Lab | undefined
  #isLoading = false

  constructor(root: HTMLElement, load: LoadLab, options: Options) {
    this.#root = root
    this.#load = load
    this.#options = options
    const name = { type: "button", "aria-label": `Try it: ${options.title}` }
    this.#button = element("button", "snippet-try", name, "Try it")
    this.#button.addEventListener("click", () => void this.#open())
    const offer = element("span", "", {}, "Visit this app in a browser of its own.")
    root.append(element("p", "snippet-try-it", { translate: "yes" }, this.#button, offer, this.#said))
  }

  /** Goes along with its block. */
  follow(): void {
    if (this.#lab) this.#root.after(this.#lab.element)
  }

  /** Ends the server. */
  close(): void {
    this.#lab?.close()
    this.#lab?.element.remove()
    this.#lab = undefined
  }

  async #open(): Promise<void> {
    if (this.#isLoading) return
    this.#isLoading = true
    this.#said.textContent = ""
    try {
      const { openLab } = await this.#load()
      if (!this.#root.isConnected) return
      this.#lab ??= openLab(this.#options)
      this.follow()
      await this.#lab.start()
    } catch {
      this.#said.textContent = "The browser could not be loaded: Try it tries again."
    } finally {
      this.#isLoading = false
    }
  }
}
