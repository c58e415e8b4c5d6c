/** An output that is right. */
export interface Expected {
  text: string
  /** What the reader has done for it: "with the mistake corrected". Empty: nothing. */
  when: string
}

/** Which of the right outputs this is, to the last character. */
export function matching(right: readonly Expected[], printed: string): Expected | undefined {
  return right.find(({ text }) => text === printed)
}

const MOST_LINES = 500

/** Whether these outputs are short enough to be compared line by line. */
export function isComparable(...outputs: readonly string[]): boolean {
  return outputs.every((output) => output.split("\n").length <= MOST_LINES)
}

/** What is said beside an output. */
export function verdict(match: Expected | undefined): string {
  if (!match) return "different"
  return match.when ? `as expected ${match.when}` : "as expected"
}
