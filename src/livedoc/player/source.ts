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
