import { element, required } from "./element.ts"
import { Progress } from "./progress.ts"
import style from "./exercise.css"
import { CHECKED } from "./tap.ts"

/** Gives each exercise of the page its buttons. */
export function mount(): void {
  if (!document.adoptedStyleSheets.includes(sheet)) document.adoptedStyleSheets.push(sheet)
  for (const root of document.querySelectorAll<HTMLElement>("[data-exercise]"))
    if (!root.querySelector(".exercise-actions")) new Exercise(root)
}

/** A block that is to pass its checks, with hints and a solution. */
class Exercise {
  readonly #root: HTMLElement
  readonly #block: HTMLElement
  readonly #hints: HTMLDetailsElement | undefined
  readonly #items: readonly HTMLElement[]
  readonly #progress: Progress
  readonly #name: string
  readonly #said = element("span", "exercise-said", { role: "status" })
  readonly #hint = this.#button("Hint", () => this.#showHint())
  readonly #solve = this.#button("Solution", () => this.#toggleSolution())
  readonly #again = this.#button("Start over", () => this.#startOver())

  constructor(root: HTMLElement) {
    this.#root = root
    this.#block = required(root, ".snippet")
    const next = root.nextElementSibling
    this.#hints = next instanceof HTMLDetailsElement && next.classList.contains("hint") ? next : undefined
    this.#items = [...(this.#hints?.querySelectorAll("li") ?? [])]
    this.#name = this.#block.dataset.hash ?? ""
    this.#progress = new Progress(() => localStorage, `exercise ${root.dataset.exercise}`)
    const check = this.#button("Check", () => required(this.#block, ".snippet-run").click())
    const take = this.#button("Download", () => required(this.#block, ".snippet-download").click())
    const buttons = [check, this.#hint, this.#solve, take, this.#again]
    this.#block.after(element("div", "exercise-actions", { translate: "yes" }, ...buttons, this.#said))
    root.addEventListener(CHECKED, (event) => {
      if (event.target === this.#block && (event as CustomEvent<boolean>).detail) this.#mark(true)
    })
    this.#hide()
    this.#show(this.#progress.get([this.#name]).length > 0)
  }

  #button(name: string, press: () => void): HTMLButtonElement {
    const button = element("button", "snippet-try", { type: "button" }, name)
    button.addEventListener("click", press)
    return button
  }

  #hide(): void {
    if (this.#hints) this.#hints.hidden = true
    for (const item of this.#items) item.hidden = true
    this.#hint.disabled = this.#items.length === 0
    required(this.#root, "details").removeAttribute("open")
    this.#solve.setAttribute("aria-expanded", "false")
  }

  /** One more than before. */
  #showHint(): void {
    const hint = this.#items.find(({ hidden }) => hidden)
    if (!this.#hints || !hint) return
    this.#hints.hidden = false
    this.#hints.open = true
    hint.hidden = false
    const number = this.#items.indexOf(hint) + 1
    this.#said.textContent = `Hint ${number} of ${this.#items.length} is below.`
    this.#hint.setAttribute("aria-disabled", String(number === this.#items.length))
    this.#again.hidden = false
  }

  #toggleSolution(): void {
    const solution = required(this.#root, "details") as HTMLDetailsElement
    solution.open = !solution.open
    this.#solve.setAttribute("aria-expanded", String(solution.open))
  }

  #mark(isDone: boolean): void {
    this.#progress.set(isDone ? [this.#name] : [])
    this.#show(isDone)
  }

  #show(isDone: boolean): void {
    this.#root.dataset.done = String(isDone)
    this.#said.textContent = isDone ? "Solved: all checks pass." : ""
    this.#again.hidden = !isDone
  }

  /** Back to the code, and the reader, that know nothing yet. */
  #startOver(): void {
    this.#hide()
    this.#hint.removeAttribute("aria-disabled")
    this.#mark(false)
    required(this.#block, ".snippet-reset").click()
    this.#hint.focus()
  }
}

const sheet = new CSSStyleSheet()
sheet.replaceSync(style)
