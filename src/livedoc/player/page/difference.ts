/** A line of a comparison: in both, only before, or only after. */
export interface Line {
  sign: " " | "-" | "+"
  text: string
}

const MOST_LINES = 500

/** How `before` becomes `after`, line by line; undefined if there is too much to compare. */
export function difference(before: string, after: string): Line[] | undefined {
  const [a, b] = [before.split("\n"), after.split("\n")]
  if (a.length > MOST_LINES || b.length > MOST_LINES) return undefined
  const lines: Line[] = []
  const common = longestCommon(a, b)
  let [i, j] = [0, 0]
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ sign: " ", text: at(a, i++) })
      j++
    } else if (j === b.length || (i < a.length && commonAt(common, i + 1, j) >= commonAt(common, i, j + 1))) {
      lines.push({ sign: "-", text: at(a, i++) })
    } else lines.push({ sign: "+", text: at(b, j++) })
  }
  const last = lines.at(-1)
  if (last?.sign === " " && last.text === "") lines.pop() // what is behind the last line end of both
  return lines
}

/** How many lines `a` from i and `b` from j have in common, in order, for each i and j. */
function longestCommon(a: string[], b: string[]): number[][] {
  const common = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0))
  for (let i = a.length - 1; i >= 0; i--) {
    const row = common[i] ?? []
    for (let j = b.length - 1; j >= 0; j--) {
      row[j] =
        a[i] === b[j]
          ? commonAt(common, i + 1, j + 1) + 1
          : Math.max(commonAt(common, i + 1, j), commonAt(common, i, j + 1))
    }
  }
  return common
}

function commonAt(common: number[][], i: number, j: number): number {
  return common[i]?.[j] ?? 0
}

function at(lines: string[], index: number): string {
  return lines[index] ?? ""
}
