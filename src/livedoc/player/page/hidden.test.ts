import assert from "node:assert/strict"
import { test } from "node:test"
import { HIDDEN, numberOfHidden } from "./hidden.ts"

const found = (text: string) => [...text.matchAll(HIDDEN)].map(([it]) => it.codePointAt(0)?.toString(16))

test("what reorders text is found", () => {
  const all = ["\u061c", "\u200e", "\u200f", "\u202a", "\u202b", "\u202c", "\u202d", "\u202e"]
  for (const character of [...all, "\u2066", "\u2067", "\u2068", "\u2069"])
    assert.equal(numberOfHidden(`if admin${character}:`), 1, JSON.stringify(character))
})

test("what nobody sees is found, or sees as a space", () => {
  const ignored = ["\u00ad", "\u034f", "\u115f", "\u180e", "\u200b", "\u2060", "\u2064", "\u3164", "\ufeff", "\uffa0"]
  const controls = ["\0", "\b", "\f", "\v", "\r", "\u001b", "\u007f", "\u0085", "\u2028", "\u2029", "\ufff9"]
  const spaces = ["\u00a0", "\u1680", "\u2003", "\u202f", "\u205f", "\u3000", "\u2800"]
  for (const character of [...ignored, ...controls, ...spaces, "\u{e0041}", "\u{1d173}", "\u{e0100}"])
    assert.equal(numberOfHidden(`x${character} = 1`), 1, JSON.stringify(character))
})

test("text of any language is left alone, and so are tabs and line breaks", () => {
  const text = "x = 'é ß שלום سلام 日本語 ไทย हिन्दी'\n\tif x: pass # – … ’ → ≤"
  assert.deepEqual(found(text), [])
})

test("what holds an emoji together is left alone, and marked anywhere else", () => {
  assert.deepEqual(found("'❤️ 👩‍💻 👩🏽‍🚀 ❤️‍🔥 1️⃣ 🧥🎫'"), [])
  assert.deepEqual(found("x\ufe0f = a\u200db + 1\ufe0f + ❤\u200dx"), ["fe0f", "200d", "fe0f", "200d"])
})

test("each one is found, beside others too", () => {
  assert.deepEqual(found("\u202e\u2066a\u200b\u200b"), ["202e", "2066", "200b", "200b"])
})
