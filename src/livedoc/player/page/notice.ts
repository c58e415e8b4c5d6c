import { element } from "./element.ts"

/** What a reader can do about what they are told, by what the buttons say. */
export type Ways = Readonly<Record<string, () => unknown>>

/** A line that tells the reader of something, with buttons. */
export class Notice {
  readonly root: HTMLElement
  readonly #after: () => HTMLElement
  #shown: string | undefined

  /** `after` gives what takes the focus when the button that was pressed goes. */
  constructor(className: string, after: () => HTMLElement) {
    this.root = element("p", className, { translate: "yes" })
    this.#after = after
    this.show("")
  }

  /** Takes the place of what was said before; an empty text hides it. */
  show(text: string, ways: Ways = {}): void {
    const shown = [text, ...Object.keys(ways)].join()
    if (shown === this.#shown) return // a button that has the focus keeps it
    this.#shown = shown
    this.root.replaceChildren(text, ...Object.entries(ways).map(([name, go]) => this.#button(name, go)))
    this.root.hidden = !text
  }

  #button(name: string, go: () => unknown): HTMLButtonElement {
    const button = element("button", "snippet-offer", { type: "button" }, name)
    button.addEventListener("click", () => {
      const isFocused = document.activeElement === button
      go()
      if (isFocused && (!button.isConnected || this.root.hidden)) this.#after().focus({ preventScroll: true })
    })
    return button
  }
}
