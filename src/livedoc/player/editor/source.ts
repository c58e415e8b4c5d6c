import { difference } from "../page/difference.ts"

/** Where a line of `before` is in `after`, counted from 1 in both; undefined if it is no longer there. */
export function followed(line: number, before: string, after: string): number | undefined {
  if (before === after) return line
  let [old, now] = [0, 0]
  for (const { sign } of difference(before, after) ?? []) {
    if (sign !== "+") old++
    if (sign !== "-") now++
    if (sign !== "+" && old === line) return sign === " " ? now : undefined
  }
  return undefined
}
