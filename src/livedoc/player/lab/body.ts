import type { Body } from "./visit.ts"

/** What a reader can send, by what the page calls it. */
export const BODIES: Readonly<Record<string, { hint: string; type: string }>> = {
  Fields: { hint: "One field on each line, such as name=Ada", type: "application/x-www-form-urlencoded" },
  JSON: { hint: 'Such as {"name": "Ada"}', type: "application/json" },
  Text: { hint: "Any text", type: "text/plain;charset=utf-8" },
}

/** The body that a reader typed; undefined: nothing. */
export function typedBody(kind: string, text: string): Body | undefined {
  if (text === "") return undefined
  const content = kind === "Fields" ? encodedFields(text) : text
  return { type: BODIES[kind]?.type ?? "text/plain", content: new TextEncoder().encode(content) }
}

/** What a form in a page sends. */
export async function formBody(data: FormData, encoding: string): Promise<Body> {
  const isMultipart = encoding.toLowerCase() === "multipart/form-data"
  const sent = new Response(isMultipart ? data : queryOf(data))
  const type = isMultipart ? (sent.headers.get("Content-Type") ?? "") : "application/x-www-form-urlencoded"
  return { type, content: new Uint8Array(await sent.arrayBuffer()) }
}

/** The fields of a form as they stand in an address. Of a file that is its name. */
export function queryOf(data: FormData): string {
  const fields = [...data].map(([name, value]) => [name, typeof value === "string" ? value : value.name])
  return new URLSearchParams(fields).toString()
}

function encodedFields(text: string): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "")
  return new URLSearchParams(lines.map((line) => [before(line), line.slice(before(line).length + 1)])).toString()
}

function before(line: string): string {
  return line.split("=", 1)[0] ?? ""
}
