import type { Answer } from "../messages.ts"

const MOST_CHARACTERS = 100_000 // that a page shows without becoming slow

/** The body of a response, as a browser understands it. */
export type Content =
  | { kind: "html"; text: string; isCut: boolean }
  | { kind: "text"; text: string; isCut: boolean }
  | { kind: "bytes"; type: string }
  | { kind: "nothing" }

export function contentOf(answer: Answer): Content {
  if (answer.body.length === 0) return { kind: "nothing" }
  const header = answer.headers.find(([name]) => name.toLowerCase() === "content-type")?.[1] ?? "text/plain"
  const [type = "", ...parameters] = header.split(";").map((part) => part.trim())
  const charset = parameters.find((parameter) => /^charset=/i.test(parameter))?.slice("charset=".length)
  const isJson = /[/+]json$/i.test(type)
  if (!/^text\//i.test(type) && !isJson && !/[/+](xml|x-www-form-urlencoded|javascript)$/i.test(type))
    return { kind: "bytes", type }
  const whole = decoded(answer.body, charset?.replaceAll('"', ""))
  const isCut = whole.length > MOST_CHARACTERS || answer.size > answer.body.length
  const text = whole.slice(0, MOST_CHARACTERS)
  if (/^text\/html$/i.test(type)) return { kind: "html", text, isCut }
  return { kind: "text", text: isJson && !isCut ? indented(text) : text, isCut }
}

function decoded(bytes: Uint8Array, charset = "utf-8"): string {
  try {
    return new TextDecoder(charset).decode(bytes)
  } catch {
    return new TextDecoder().decode(bytes) // a charset that the browser doesn't know
  }
}

function indented(json: string): string {
  try {
    const lines = JSON.stringify(JSON.parse(json), undefined, 2)
    return lines.length > MOST_CHARACTERS ? json : lines // a thousand brackets have millions of spaces
  } catch {
    return json
  }
}
