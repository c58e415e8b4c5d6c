import type { Operation } from "../messages.ts"

/** What a step has the reader do. The page has it as JSON, which steps.py writes. */
export type Action =
  | { kind: "request"; browser: string; method: string; target: string; body: string }
  | { kind: "cookie"; browser: string; action: "delete" | "tamper"; cookie: string }
  | { kind: "copy"; browser: string; cookie: string; receiver: string }
  | { kind: "restart" }
  | { kind: "plug"; operation: Operation }
  | { kind: "control"; name: string; value: number | string }

/** What is done in a browser. */
export type BrowserAction = Extract<Action, { browser: string }>

/** What the reader then sees, and in which panel. */
export interface Sight {
  /** Whose panel it is; empty: the lab's. */
  browser: string
  panel: string
  text: string
}

const INLINE = new Set(
  "A ABBR B BDI BDO CITE CODE DEL DFN EM I INS KBD MARK Q S SAMP SMALL SPAN STRONG SUB SUP U VAR".split(" "),
)

/** The panel in which a step says that something is seen. */
export function panelOf({ browser, panel }: Sight, lab: HTMLElement): HTMLElement | null {
  const owner = browser ? lab.querySelector(`[data-browser="${CSS.escape(browser)}"]`) : lab
  return owner?.querySelector<HTMLElement>(`[data-panel="${CSS.escape(panel)}"]`) ?? null
}

/** Whether a lab shows what a step says. */
export function isSeen(sight: Sight, lab: HTMLElement): boolean {
  const panel = panelOf(sight, lab)
  return panel !== null && textIn(panel).replace(/\s+/g, " ").includes(sight.text)
}

/** The text that a reader sees in an element, with a space between what stands apart. */
function textIn(element: Element): string {
  return [...element.childNodes]
    .map((node) => {
      if (!(node instanceof HTMLElement)) return node.textContent ?? ""
      if (node.hidden) return ""
      return INLINE.has(node.tagName) ? textIn(node) : ` ${textIn(node)} `
    })
    .join("")
}
