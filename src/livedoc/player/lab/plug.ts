import type { Operation } from "../messages.ts"
import { element } from "../page/element.ts"

const OPERATIONS: readonly Operation[] = ["open", "write", "utime", "rename", "remove"]

let plugs = 0 // their parts are named by ids

/** Lets the reader choose the operation on a file before which the server dies during the next request. */
export class Plug {
  readonly element: HTMLElement
  readonly #button = element("button", "lab-button", { type: "button", "aria-pressed": "false" }, "Pull the plug")
  readonly #operations: HTMLSelectElement
  readonly #tell: (sentence: string) => void
  readonly #note: (sentence: string) => void

  /** `tell` says to the reader what will happen, and `note` writes it down. */
  constructor(tell: (sentence: string) => void, note: (sentence: string) => void) {
    this.#tell = tell
    this.#note = note
    const id = `lab-plug-${++plugs}`
    const options = OPERATIONS.map((operation) => element("option", "", {}, operation))
    this.#operations = element("select", "", { id, translate: "no" }, ...options)
    const label = element("label", "", { for: id }, "before the first")
    const place = element("span", "lab-plug-place", {}, label, this.#operations) // a narrow screen keeps them together
    this.element = element("div", "lab-plug", {}, this.#button, place)
    this.#button.addEventListener("click", () => this.#arm(!this.#isArmed))
    this.#operations.addEventListener("change", () => this.#isArmed && this.#arm(true))
  }

  /** Does what a step says, with the controls that the reader has. */
  set(operation: Operation): void {
    this.#operations.value = operation
    this.#arm(true)
  }

  /** Gives the operation to the next request, and to no other. */
  take(): Operation | undefined {
    if (!this.#isArmed) return undefined
    this.#button.ariaPressed = "false"
    return this.#operations.value as Operation
  }

  get #isArmed(): boolean {
    return this.#button.ariaPressed === "true"
  }

  #arm(isArmed: boolean): void {
    this.#button.ariaPressed = String(isArmed)
    const sentence = `The next request ends before its first ${this.#operations.value}.`
    this.#tell(isArmed ? sentence : "The plug stays in.")
    this.#note(isArmed ? sentence : "The plug stays in.")
  }
}
