import { element } from "./element.ts"

/** What a reader can do about what they are told, by what the buttons say. */
export type Ways = Readonly<Record<string, () => unknown>>

/** A line that tells the reader of something, with buttons. */
export class Notice {
  readonly root: HTMLElement

  constructor(className: string) {
    this.root = element("p", className, { translate: "yes" })
    this.show("")
  }

  /** Takes the place of what was said before; an empty text hides it. */
  show(text: string, ways: Ways = {}): void {
    const buttons = Object.entries(ways).map(([name, go]) => {
      const button = element("button", "snippet-offer", { type: "button" }, name)
      button.addEventListener("click", go)
      return button
    })
    this.root.replaceChildren(text, ...buttons)
    this.root.hidden = !text
  }
}
