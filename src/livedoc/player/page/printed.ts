import type { Change } from "../messages.ts"
import { element } from "./element.ts"

/** Does to what is shown in `place` what a program did to its output. */
export function printIn(place: HTMLElement, { back, stream, text }: Change): void {
  for (let left = back, last = place.lastChild; left > 0 && last; last = place.lastChild) {
    const there = last.textContent ?? ""
    if (there.length > left) last.textContent = there.slice(0, -left)
    else last.remove()
    left -= there.length
  }
  if (text !== "") place.append(stream === "out" ? text : element("span", "snippet-stderr", {}, text))
}
