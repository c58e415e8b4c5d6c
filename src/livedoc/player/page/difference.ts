/** A line of a comparison: in both, only before, or only after. */
export interface Line {
  sign: " " | "-" | "+"
  text: string
}

/** How `before` becomes `after`, line by line. */
export function difference(before: string, after: string): Line[] {
  const [a, b] = [before.split("\n"), after.split("\n")]
  const common = longestCommon(a, b)
  const lines: Line[] = []
  let [i, j] = [0, 0]
  while (i < a.length || j < b.length) {
    const goes = j === b.length || (i < a.length && common(i + 1, j) >= common(i, j + 1))
    const sign = a[i] === b[j] ? " " : goes ? "-" : "+"
    lines.push({ sign, text: (sign === "+" ? b[j] : a[i]) ?? "" })
    if (sign !== "+") i++
    if (sign !== "-") j++
  }
  const last = lines.at(-1)
  if (last?.sign === " " && last.text === "") lines.pop() // what is behind the last line end of both
  return lines
}

/** Tells how many lines `a` from i and `b` from j have in common, in order. */
function longestCommon(a: string[], b: string[]): (i: number, j: number) => number {
  const found = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0))
  const common = (i: number, j: number) => found[i]?.[j] ?? 0
  for (let i = a.length - 1; i >= 0; i--) {
    const row = found[i] ?? []
    for (let j = b.length - 1; j >= 0; j--) {
      row[j] = a[i] === b[j] ? common(i + 1, j + 1) + 1 : Math.max(common(i + 1, j), common(i, j + 1))
    }
  }
  return common
}
