import { element, required } from "./element.ts"
import { markHidden } from "./hidden.ts"

/** Lines of the code that stand together: shown, or behind a bar that unfolds them. */
interface Part {
  /** The lines as the file has them. What is shown may be indented less. */
  whole: Element
  /** What stands for them now. */
  nodes: Element[]
  bar?: HTMLButtonElement
  /** What is shown while all bars are folded. */
  excerpt?: Element
}

/** The code of a block as its page shows it, and the bars in it that unfold what it leaves out. */
export class Folds {
  readonly #place: HTMLElement
  readonly #parts: Part[]

  constructor(root: HTMLElement) {
    this.#place = required(root, ".snippet-code")
    const file = (required(root, "template") as HTMLTemplateElement).content.cloneNode(true) as DocumentFragment
    markHidden(this.#place)
    markHidden(file)
    const wholes = [...file.children]
    for (const code of file.querySelectorAll("code")) code.tabIndex = 0 // it may scroll
    this.#parts = [...this.#place.children].flatMap((here, index) => {
      const whole = wholes[index]
      return whole ? [here.matches(".snippet-fold") ? this.#folded(whole, here) : shown(whole, here)] : []
    })
    this.show()
  }

  /** Puts the code into its place, with what the reader has unfolded. */
  show(): void {
    this.#place.replaceChildren(...this.#parts.flatMap(({ nodes }) => nodes))
  }

  #folded(whole: Element, { textContent }: Element): Part {
    const attributes = { type: "button", "data-fold": "", "aria-expanded": "false" }
    const bar = element("button", "snippet-fold", attributes, element("span", "", {}, textContent))
    const part: Part = { whole, nodes: [bar], bar }
    bar.addEventListener("click", () => this.#turn(part, bar))
    return part
  }

  #turn(part: Part, bar: HTMLButtonElement): void {
    const isOpen = part.nodes.length === 1
    bar.setAttribute("aria-expanded", String(isOpen))
    if (isOpen) bar.after(part.whole)
    else part.whole.remove()
    part.nodes = isOpen ? [bar, part.whole] : [bar]
    this.#indent(this.#parts.some(({ bar, nodes }) => bar && nodes.length > 1))
  }

  /** Indents what is shown as the file does, or as the excerpt. Beside unfolded lines it would mislead otherwise. */
  #indent(asFile: boolean): void {
    for (const part of this.#parts) {
      const wanted = asFile ? part.whole : part.excerpt
      if (!part.excerpt || !wanted) continue
      part.nodes[0]?.replaceWith(wanted)
      part.nodes = [wanted]
    }
  }
}

function shown(whole: Element, excerpt: Element): Part {
  return { whole, nodes: [excerpt], excerpt }
}
