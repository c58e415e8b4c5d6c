import { element } from "./element.ts"

/**
 * Characters of code that nobody sees, or that show what is around them in another order: control and format characters,
 * what a font ignores, and spaces that are none to Python. Those that hold an emoji together are not among them.
 */
export const HIDDEN = new RegExp(
  String.raw`(?!(?<=\p{ExtPict}\p{EMod}?)\uFE0F|(?<=[\d#*])\uFE0F\u20E3|(?<=\p{ExtPict}\p{EMod}?\uFE0F?)\u200D\p{ExtPict})` +
    String.raw`[\p{Cc}\p{Cf}\p{Z}\p{DI}\u2800](?<![\t\n ])`,
  "gu",
)

const REORDERING = /[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/u

/** What stands for a hidden character: its number, and what it does. Copied, it is the character itself. */
export function mark(character: string): HTMLElement {
  const number = `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`
  const says = `${number}, ${REORDERING.test(character) ? "changes the order of the text around it" : "can't be seen"}`
  const named = { "data-number": number, role: "img", "aria-label": says, title: says }
  return element("span", "snippet-hidden", named, character)
}

/** Marks the hidden characters in what is shown as text. */
export function markHidden(place: Node): void {
  if (!numberOfHidden(place.textContent ?? "")) return
  if (place instanceof Text) place.replaceWith(...pieces(place.data))
  else for (const inner of [...place.childNodes]) markHidden(inner)
}

export function numberOfHidden(text: string): number {
  return [...text.matchAll(HIDDEN)].length
}

function pieces(text: string): (Node | string)[] {
  const cut: (Node | string)[] = []
  let end = 0
  for (const { 0: character, index } of text.matchAll(HIDDEN)) {
    cut.push(text.slice(end, index), mark(character))
    end = index + character.length
  }
  return [...cut, text.slice(end)]
}
