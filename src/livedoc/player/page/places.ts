import { element } from "./element.ts"
import { pieces } from "./traceback.ts"

/** A traceback in which each place in `path` can be gone to: `go` is called with its line. */
export function withPlaces(traceback: string, path: string, go: (line: number) => void): (Node | string)[] {
  return pieces(traceback, path).map((piece) => {
    if (typeof piece === "string") return piece
    const place = element("a", "snippet-place", { href: "#" }, piece.text)
    place.addEventListener("click", (event) => {
      event.preventDefault()
      event.stopPropagation() // Material would make it a change of page
      go(piece.line)
    })
    return place
  })
}
