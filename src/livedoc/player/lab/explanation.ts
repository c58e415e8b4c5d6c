import { element } from "../page/element.ts"
import type { Part } from "./cookie_parts.ts"

/** That are shown of a value, a body or a line. */
export const MOST_CHARACTERS = 2000
const MOST_PARTS = 30 // of one header

let meanings = 0 // each is named by an id

/** Parts of a header, of which one at a time is explained: the first, or the one that the reader comes to. */
export function explained(parts: readonly Part[], label: HTMLElement | string): HTMLElement {
  const shown = element("div", "lab-cookie", {}, element("p", "", {}, label, ...apart(parts)))
  const meaning = element("p", "lab-meaning")
  const explain = (event: Event) => {
    const part = event.target instanceof Element ? event.target.closest("button") : null
    if (part) meaning.textContent = part.nextElementSibling?.textContent ?? ""
  }
  for (const way of ["pointerover", "focusin", "click"]) shown.addEventListener(way, explain)
  meaning.textContent = parts[0]?.meaning ?? ""
  shown.append(meaning)
  return shown
}

/** Each part as a button that explains it. The semicolon after it is in the button too: no line begins with one. */
function apart(parts: readonly Part[]): (Node | string)[] {
  const shown = parts.slice(0, MOST_PARTS).flatMap(({ before, text, after, meaning }) => {
    const id = `lab-meaning-${++meanings}`
    const whole = shortened(text)
    const end = element("span", "lab-end", {}, whole.slice(-1) + after)
    const part = element("button", "lab-part", { type: "button", "aria-describedby": id }, whole.slice(0, -1), end)
    return [before, part, element("span", "", { id, hidden: "" }, meaning)]
  })
  return parts.length > MOST_PARTS ? [...shown, ` and ${parts.length - MOST_PARTS} more`] : shown
}

export function shortened(text: string, most = MOST_CHARACTERS): string {
  return text.length > most ? `${text.slice(0, most)}… (${text.length} characters)` : text
}
