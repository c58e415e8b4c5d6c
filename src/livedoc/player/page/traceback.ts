/** A piece of a traceback: plain text, or a place in the script that can be gone to. */
export type Piece = string | { text: string; line: number }

/** Cuts a traceback at the places in `path` that it names. The pieces together are the traceback. */
export function pieces(traceback: string, path: string): Piece[] {
  const cut: Piece[] = []
  let end = 0
  for (const place of traceback.matchAll(/File "([^"\n]*)", line (\d+)/g)) {
    if (place[1] !== path) continue
    cut.push(traceback.slice(end, place.index), { text: place[0], line: Number(place[2]) })
    end = place.index + place[0].length
  }
  cut.push(traceback.slice(end))
  return cut.filter((piece) => piece !== "")
}
