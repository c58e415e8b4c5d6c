import assert from "node:assert/strict"
import { test } from "node:test"
import type { Answer } from "../messages.ts"
import { contentOf } from "./content.ts"

function answer(body: string | Uint8Array, type?: string, size?: number): Answer {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body
  const nothing = {
    kind: "response" as const,
    failure: undefined,
    records: [],
    changed: [],
    removed: [],
    store: { files: [], unlisted: 0, watched: [] },
    disk: [],
  }
  const headers = type === undefined ? [] : [["Content-Type", type] as const]
  return { status: 200, reason: "OK", headers, body: bytes, size: size ?? bytes.length, seconds: 0, ...nothing }
}

for (const [type, body, expected] of [
  ["text/html", "<p>", { kind: "html", text: "<p>", isCut: false }],
  ["TEXT/HTML; Charset=utf-8", "<p>", { kind: "html", text: "<p>", isCut: false }],
  [undefined, "<p>", { kind: "text", text: "<p>", isCut: false }],
  ["image/svg+xml", "<svg/>", { kind: "text", text: "<svg/>", isCut: false }],
  ["application/json", '{"a":1}', { kind: "text", text: '{\n  "a": 1\n}', isCut: false }],
  ["application/problem+json", "not json", { kind: "text", text: "not json", isCut: false }],
  ["image/png", "\x89PNG", { kind: "bytes", type: "image/png" }],
  ["text/html", "", { kind: "nothing" }],
  ["text/plain; charset=odd", "ä", { kind: "text", text: "ä", isCut: false }],
] as const)
  test(`a body of ${type} is shown as ${expected.kind}`, () => {
    assert.deepEqual(contentOf(answer(body, type)), expected)
  })

test("a charset counts", () => {
  const content = contentOf(answer(new Uint8Array([0xe4]), 'text/plain; charset="latin1"'))
  assert.deepEqual(content, { kind: "text", text: "ä", isCut: false })
})

test("of a long body the beginning is shown", () => {
  const content = contentOf(answer("a".repeat(100_001), "text/html"))
  assert.ok(content.kind === "html" && content.isCut)
  assert.equal(content.text.length, 100_000)
  assert.deepEqual(contentOf(answer("{}", "application/json", 3)), { kind: "text", text: "{}", isCut: true })
})

test("JSON that would have more spaces than a page can show stays as it was sent", () => {
  const nested = "[".repeat(2000) + "]".repeat(2000)
  assert.deepEqual(contentOf(answer(nested, "application/json")), { kind: "text", text: nested, isCut: false })
})
