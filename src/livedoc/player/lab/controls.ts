import type { Control, Values } from "../messages.ts"
import { element } from "../page/element.ts"

const MOST_TYPED = 200 // characters

let controls = 0 // their parts are named by ids

/** Lets the reader set names at the top level of the script: a number with a slider, a string in a field. */
export class Controls {
  readonly #element: HTMLElement
  readonly #turned: (control: Control) => void
  #inputs: ReadonlyMap<string, HTMLInputElement> = new Map()
  #values: Values

  /** `turned` gets what the reader has set, with its value. Names that a script declares begin with their `values`. */
  constructor(element: HTMLElement, values: Values, turned: (control: Control) => void) {
    this.#element = element
    this.#values = values
    this.#turned = turned
    element.hidden = true
  }

  /** What each name is worth. */
  get values(): Values {
    return this.#values
  }

  /** Offers what a script declares. A name keeps the value that the reader gave it, where that still fits. */
  show(declared: readonly Control[]): void {
    const focused = [...this.#inputs].find(([, input]) => input === document.activeElement)?.[0]
    this.#values = Object.fromEntries(
      declared.map((control) => {
        const set = this.#values[control.name]
        return [control.name, set !== undefined && fits(set, control) ? set : control.value]
      }),
    )
    const made = declared.map((control) => ({ control, ...this.#field(control) }))
    this.#inputs = new Map(made.map(({ control, input }) => [control.name, input]))
    this.#element.replaceChildren(...made.map(({ field }) => field))
    this.#element.hidden = made.length === 0
    if (focused !== undefined) this.#inputs.get(focused)?.focus()
  }

  /** Does what a step says, with the input that the reader has. */
  set(name: string, value: number | string): void {
    const input = this.#inputs.get(name)
    if (!input) return
    input.value = String(value)
    for (const event of ["input", "change"]) input.dispatchEvent(new Event(event))
  }

  #field(control: Control): { field: HTMLElement; input: HTMLInputElement } {
    const { name, range } = control
    const id = `lab-control-${++controls}`
    const value = String(this.#values[name])
    const kind = range
      ? { type: "range", min: String(range.low), max: String(range.high), step: String(range.step) }
      : { type: "text", maxlength: String(MOST_TYPED), autocomplete: "off", autocapitalize: "off", spellcheck: "false" }
    const input = element("input", "", { id, ...kind })
    input.value = value
    const shown = element("span", "lab-set", { "aria-hidden": "true" }) // the slider says it
    const tell = () => {
      if (range) input.ariaValueText = shown.textContent = `${input.value} ${range.unit}`.trim()
    }
    tell()
    input.addEventListener("input", tell)
    input.addEventListener("change", () => {
      const set = range ? Number(input.value) : input.value
      this.#values = { ...this.#values, [name]: set }
      this.#turned({ ...control, value: set })
    })
    const label = element("label", "", { for: id }, name)
    return { field: element("div", "lab-field lab-control", {}, label, input, ...(range ? [shown] : [])), input }
  }
}

function fits(value: number | string, { range }: Control): boolean {
  return range ? typeof value === "number" && value >= range.low && value <= range.high : typeof value === "string"
}
