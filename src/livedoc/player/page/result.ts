import { disclosing, type Make, readable } from "./disclosure.ts"
import { element, required } from "./element.ts"
import { type Expected, isComparable, matching, verdict } from "./expected.ts"
import type { Change, Left } from "../messages.ts"
import { withPlaces } from "./places.ts"
import { printIn } from "./printed.ts"
import { TAP } from "./tap.ts"

export type LoadDetails = () => Promise<typeof import("./details.ts")>

/** Milliseconds in which what follows a press of Run is taken for its answer; a browser counts half a second. */
const AT_ONCE = 400

/**
 * Under a block's code: the expected output until a run, and then what that printed, what went wrong, how it differs
 * from what was expected and which files it left.
 */
export class Result {
  readonly #root: HTMLElement
  readonly #details: LoadDetails
  readonly #panel: HTMLElement
  readonly #heading: HTMLElement
  readonly #label: HTMLElement
  readonly #verdict = element("span", "snippet-verdict")
  readonly #expected: HTMLElement
  readonly #right: readonly Expected[]
  readonly #printed = shown("Output", "data-output")
  readonly #error = shown("What went wrong", "data-error")
  readonly #asked = element("div", "snippet-asked")
  #list: HTMLElement | undefined // of checks
  #begun = 0
  /** What is printed last stays in view, until the reader scrolls away from it. */
  #follows = true
  #scrolled = 0 // as far as this has

  /** `details` makes what a reader may ask for after a run. */
  constructor(root: HTMLElement, details: LoadDetails) {
    this.#root = root
    this.#details = details
    this.#panel = required(root, ".snippet-output")
    this.#heading = required(this.#panel, ".snippet-heading")
    this.#label = required(this.#heading, ".snippet-label")
    this.#expected = required(this.#panel, "[data-promised]")
    const further = root.querySelector<HTMLTemplateElement>("template[data-further]")
    this.#right = [this.#expected, ...(further?.content.querySelectorAll("pre") ?? [])].map((output) => {
      return { text: output.textContent, when: output.dataset.when ?? "" }
    })
    this.#panel.append(this.#printed, this.#error, this.#asked)
    this.#printed.addEventListener("scroll", () => this.#notice())
    new ResizeObserver(() => this.#scroll()).observe(this.#printed) // other lines wrap, and the browser scrolls
    this.#printed.addEventListener("keydown", ({ key }) => (this.#follows ||= key === "End"))
    this.clear()
  }

  /** What was printed, both streams. */
  get text(): string {
    return this.#printed.textContent
  }

  /** Whether what was printed is right. */
  get isExpected(): boolean {
    return matching(this.#right, this.text) !== undefined
  }

  /**
   * Gives a run the room of the expected output, or of what the last run printed. Then nothing on the page moves when
   * it fills it. What the reader had opened takes its room along, and so does what an earlier run left free.
   */
  begin(): void {
    this.#asked.replaceChildren()
    this.#panel.style.minHeight = ""
    const room = this.#panel.offsetHeight
    this.clear()
    this.#label.textContent = "Output"
    this.#expected.hidden = true
    this.#printed.hidden = false
    this.#panel.style.minHeight = `${room}px`
    this.#begun = performance.now()
    this.#follows = true
    this.#scrolled = 0
  }

  /** Back to the expected output. */
  clear(): void {
    this.#panel.style.minHeight = ""
    this.#panel.removeAttribute(DIFFERS)
    this.#list?.remove()
    this.#label.textContent = "Expected output"
    this.#heading.replaceChildren(this.#label)
    for (const part of [this.#printed, this.#error, this.#asked]) part.replaceChildren()
    this.#expected.hidden = false
    this.#printed.hidden = this.#error.hidden = true
  }

  print(change: Change): void {
    printIn(this.#printed, change)
    if (this.#follows) requestAnimationFrame(() => this.#scroll())
  }

  #scroll(): void {
    if (!this.#follows) return
    toEnd(this.#printed)
    this.#scrolled = this.#printed.scrollTop
  }

  /** More may have been printed since this scrolled, and the end is elsewhere: a step back is the reader's. */
  #notice(): void {
    const { scrollTop, clientHeight, scrollHeight } = this.#printed
    if (scrollTop < this.#scrolled) this.#follows = false
    else if (scrollTop > this.#scrolled && scrollHeight - scrollTop - clientHeight < NEAR) this.#follows = true
    this.#scrolled = scrollTop
  }

  /** `go` is called with the line of a place that the reader chose in the traceback. */
  fail(traceback: string, path: string, go: (line: number) => void): void {
    this.#error.hidden = false
    this.#error.append(...withPlaces(traceback, path, go))
    toEnd(this.#error) // its last line says what it is
  }

  /** Offers to show what was expected, where a run did not come to its end. */
  recall(): void {
    const { textContent } = this.#expected
    this.#offer("Expected output", () => element("pre", "", readable("Expected output"), textContent))
  }

  /** Says whether what was printed is right, and offers to show how it differs if not. */
  compare(): void {
    const match = matching(this.#right, this.text)
    this.#verdict.textContent = verdict(match)
    this.#heading.append(this.#verdict)
    if (match) return
    this.#panel.setAttribute(DIFFERS, "")
    const [expected, printed] = [this.#expected.textContent, this.text]
    if (!isComparable(expected, printed)) return
    this.#offer("How it differs", async () => (await this.#details()).differing(expected, printed))
  }

  /** Shows an output in TAP as a list, and returns what is said of it. */
  async check(): Promise<string | undefined> {
    const { text } = this
    if (!text.startsWith(TAP)) return undefined
    const { checked } = await this.#details()
    if (text !== this.text || this.#printed.hidden) return undefined // something else is shown by now
    const { list, said, isPassed } = checked(this.#root, this.#printed, this.#expected.textContent)
    this.#list = list
    if (!isPassed && !this.#verdict.isConnected) this.#panel.setAttribute(DIFFERS, "")
    this.#offer("As TAP", () => element("pre", "", readable("As TAP"), text))
    return said
  }

  /**
   * The run has ended: offers to show the files that it left. Room that it did not need goes at once if the reader has
   * only just pressed Run; later that would move the page under their eyes, so it goes with the next run.
   */
  list({ files, unlisted }: Left): void {
    if (performance.now() - this.#begun < AT_ONCE) this.#panel.style.minHeight = ""
    if (files.length === 0) return
    const name = `Files it left (${files.length + unlisted})`
    this.#offer(name, async () => (await this.#details()).listed(files, unlisted))
  }

  /** A button in the heading, because an offer must not move the page until the reader asks for it. */
  #offer(name: string, make: Make): void {
    this.#heading.append(disclosing(name, make, this.#asked))
  }
}

/** Pixels: what a program may print while a reader scrolls to its end. */
const NEAR = 100

function toEnd(place: HTMLElement): void {
  place.scrollTop = place.scrollHeight
}

/** On the panel, for the style sheet: the state is `done` all the same. */
const DIFFERS = "data-differs"

function shown(name: string, marker: string): HTMLPreElement {
  return element("pre", "", { [marker]: "", ...readable(name) })
}
