import type { Store } from "../messages.ts"
import { element } from "../page/element.ts"
import { hex, textOf, withSize } from "../page/files.ts"
import { type FileView, type Kept, type Mark, storeView, type WatchedView } from "./changes.ts"
import { shortened } from "./explanation.ts"

const MOST_HEX = 128 // bytes of a file that isn't text
const MOST_REMOVED = 20

/** Shows what the app keeps: its files, and the values that its comments ask to see. */
export class StorePanel {
  readonly #panel: HTMLElement
  #before: Store | undefined

  constructor(panel: HTMLElement) {
    this.#panel = panel
    panel.append(element("p", "lab-empty", {}, "What the app keeps is shown here, after its start and each request."))
  }

  /** Shows what a server has once it has started: its files, of which an earlier one may have left some. */
  showStart(store: Store): void {
    this.#before = store
    this.show({ store, changed: [], removed: [] })
  }

  show(kept: Kept): void {
    const { files, unlisted, removed, watched } = storeView(kept, this.#before)
    this.#before = kept.store
    const count = files.length + unlisted
    const heading = count > 0 ? `${count} file${count === 1 ? "" : "s"}` : "The app keeps no files."
    const list = element("ul", "lab-files", {}, ...files.map(file))
    for (const path of removed.slice(0, MOST_REMOVED))
      list.append(element("li", "", {}, element("p", "", {}, element("code", "", {}, path), " ", marked("removed"))))
    const more = unlisted > 0 ? [element("p", "lab-rest", {}, `and ${unlisted} more files`)] : []
    this.#panel.replaceChildren(element("p", "lab-heading", {}, heading), list, ...more, ...watched.map(value))
  }
}

function file({ file: { path, size, head, seconds }, mark }: FileView): HTMLElement {
  const title = element("p", "", {}, element("code", "", {}, path), ...after(mark))
  const time = new Date(seconds * 1000).toTimeString().slice(0, 8) // a locale's way to write it takes 20 ms to load
  const text = textOf(head, size > head.length)
  const content = text === undefined ? hex(head.subarray(0, MOST_HEX)) : shortened(text)
  const shown = element("li", "", {}, title, element("p", "lab-rest", {}, `${withSize(time, size)}`))
  if (size > 0) shown.append(element("pre", "lab-content", {}, content))
  return shown
}

function value({ expression, text, mark, rows }: WatchedView): HTMLElement {
  const name = element("code", "", {}, expression)
  if (!rows) return element("div", "lab-watched", {}, element("p", "", {}, name, ...after(mark)), content(text))
  const lines = rows.map(({ name, text, mark }) => {
    return element(
      "tr",
      "",
      {},
      element("th", "", { scope: "row" }, shortened(name)),
      element("td", "", {}, shortened(text), ...after(mark)),
    )
  })
  const table = element(
    "table",
    "lab-watched",
    {},
    element("caption", "", {}, name),
    element("tbody", "", {}, ...lines),
  )
  if (rows.length > 0 && !text) return table
  return element("div", "", {}, table, element("p", "lab-rest", {}, text || "empty"))
}

function content(text: string): HTMLElement {
  return element("pre", "lab-content", {}, text)
}

function after(mark: Mark): (Node | string)[] {
  return mark ? [" ", marked(mark)] : []
}

function marked(mark: string): HTMLElement {
  return element("span", "lab-mark", {}, mark)
}
