import { element } from "./element.ts"
import { Progress } from "./progress.ts"
import { type Action, isSeen, panelOf, type Sight } from "./step.ts"
import type { TryIt } from "./try_it.ts"

interface Step {
  item: HTMLElement
  action: Action
  sight: Sight
  button: HTMLButtonElement
}

/** The steps for one laboratory: each can be done for the reader, and is ticked once what it says to see has come. */
export class Steps {
  readonly #lab: TryIt
  readonly #steps: readonly Step[]
  readonly #progress: Progress
  readonly #count = element("span", "lab-count", { role: "status" })
  readonly #again = element("button", "snippet-try", { type: "button" }, "Start over")
  readonly #seen = new MutationObserver(() => this.#look())
  #shown: ReadonlySet<Step> = new Set() // the steps of which that was so at the last look

  /** `open` gives what keeps the reader's progress, and may throw. */
  constructor(items: readonly HTMLElement[], lab: TryIt, path: string, open: () => Storage) {
    this.#lab = lab
    this.#progress = new Progress(open, path)
    this.#steps = items.map((item) => this.#step(item))
    this.#again.addEventListener("click", () => this.#startOver())
    items.at(-1)?.parentElement?.after(element("p", "lab-progress", { translate: "yes" }, this.#count, this.#again))
    const done = this.#progress.get(this.#steps.map(nameOf))
    for (const step of this.#steps) if (done.includes(nameOf(step))) tick(step, true)
    this.#tell()
    lab.opened((element) => {
      this.#seen.disconnect()
      this.#shown = this.#visible(element) // an empty jar is nothing that a reader has done
      this.#seen.observe(element, { subtree: true, childList: true, characterData: true })
    })
  }

  #step(item: HTMLElement): Step {
    const action = JSON.parse(item.dataset.do ?? "") as Action
    const sight = JSON.parse(item.dataset.see ?? "") as Sight
    const button = element("button", "snippet-try", { type: "button" }, "Do it")
    button.addEventListener("click", () => void this.#do(step))
    const step = { item, action, sight, button }
    item.append(element("span", "lab-step", { translate: "yes" }, button, element("span", "lab-done", {}, "Done")))
    tick(step, false)
    return step
  }

  async #do(step: Step): Promise<void> {
    // A lab that opens now knows nothing of the steps that the reader did in an earlier one.
    const first = this.#lab.isOpen ? this.#steps.indexOf(step) : 0
    const wanted = this.#steps.slice(first, this.#steps.indexOf(step) + 1)
    for (const { action } of wanted) await this.#lab.perform(action)
    const panel = this.#lab.element && panelOf(step.sight, this.#lab.element)
    panel?.dispatchEvent(new Event("lab-show")) // where panels are tabs, it is chosen
    panel?.scrollIntoView({ block: "nearest" })
  }

  #look(): void {
    const { element } = this.#lab
    if (!element) return
    const before = this.#shown
    this.#shown = this.#visible(element)
    const come = [...this.#shown].filter((step) => step.item.dataset.done === "false" && !before.has(step))
    if (come.length === 0) return
    for (const step of come) tick(step, true)
    this.#keep()
  }

  /** The steps of which there is to see now what they say. */
  #visible(element: HTMLElement): ReadonlySet<Step> {
    return new Set(this.#steps.filter(({ sight }) => isSeen(sight, element)))
  }

  #startOver(): void {
    this.#seen.disconnect()
    this.#lab.reset()
    for (const step of this.#steps) tick(step, false)
    this.#keep()
    this.#steps[0]?.button.focus()
  }

  #keep(): void {
    this.#progress.set(this.#done.map(nameOf))
    this.#tell()
  }

  #tell(): void {
    const { length } = this.#done
    this.#count.textContent = `${length} of ${this.#steps.length} steps are done.`
    this.#again.hidden = length === 0
  }

  get #done(): readonly Step[] {
    return this.#steps.filter(({ item }) => item.dataset.done === "true")
  }
}

function tick({ item }: Step, isDone: boolean): void {
  item.dataset.done = String(isDone)
}

/** What is kept of a step: one that says something else is another one. */
function nameOf({ item }: Step): string {
  return `${item.dataset.do} ${item.dataset.see}`
}
