// The forms of a query, for Material's search. It looks for words that begin with what was typed.

const OPERATOR = /[*+~^":-]/
const LONG = 4 // letters: shorter words are one typo away from too many others

/** The wider forms of a query, to be tried in this order: words that contain it, and words with a typo. */
export function widened(query: string): string[] {
  const words = query.split(/[\s.,()]+/).filter((word) => word !== "")
  if (OPERATOR.test(query) || !words.some(isLong)) return []
  return [words.map((word) => (isLong(word) ? `*${word}` : word)), words.filter(isLong).map((word) => `${word}~1`)].map(
    (form) => form.join(" "),
  )
}

function isLong(word: string): boolean {
  return word.length >= LONG
}
