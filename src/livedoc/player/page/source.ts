import { difference } from "./difference.ts"

/** Which lines of a script a block shows: 1-based, both included, and how many spaces they are indented there. */
export interface Excerpt {
  first: number
  last: number
  indent: number
}

/** The lines as the block shows them. */
export function excerpt(script: string, { first, last, indent }: Excerpt): string {
  const lines = script.split("\n").slice(first - 1, last)
  return lines.map((line) => line.slice(indent)).join("\n")
}

/** The whole script, with `edited` where the excerpt was. */
export function splice(script: string, { first, last, indent }: Excerpt, edited: string): string {
  const lines = script.split("\n")
  const indented = edited.split("\n").map((line) => (line.trim() === "" ? line : " ".repeat(indent) + line))
  return [...lines.slice(0, first - 1), ...indented, ...lines.slice(last)].join("\n")
}

/** Where the excerpt of `original` is in an edited `script`; undefined if the edit went beyond it. */
export function moved(script: string, original: string, { first, last, indent }: Excerpt): Excerpt | undefined {
  const before = original.split("\n")
  const after = script.split("\n")
  const end = after.length - (before.length - last)
  if (end < first - 1) return undefined
  const around = (lines: string[], end: number) => [...lines.slice(0, first - 1), "", ...lines.slice(end)].join("\n")
  if (around(before, last) !== around(after, end)) return undefined
  const inside = after.slice(first - 1, end)
  const isIndented = inside.every((line) => line.trim() === "" || line.startsWith(" ".repeat(indent)))
  return isIndented ? { first, last: end, indent } : undefined
}

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
