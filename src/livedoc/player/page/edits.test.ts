import assert from "node:assert/strict"
import { test } from "node:test"
import { Edits } from "./edits.ts"

/** A browser's storage that keeps at most `room` characters. */
function storage(room = Infinity): Storage {
  const items = new Map<string, string>()
  return {
    get length() {
      return items.size
    },
    key: (index) => [...items.keys()][index] ?? null,
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => {
      if (value.length > room) throw new DOMException("full", "QuotaExceededError")
      items.set(key, value)
    },
    removeItem: (key) => void items.delete(key),
    clear: () => items.clear(),
  }
}

const edit = { hash: "1a2b3c4d", script: "print(1)\n" }

test("an edit is kept for its block until it is thrown away", () => {
  const kept = storage()
  assert.equal(new Edits(() => kept).set("a.py:use", edit), true)
  assert.deepEqual(new Edits(() => kept).get("a.py:use"), edit)
  assert.equal(new Edits(() => kept).get("a.py:other"), undefined)
  new Edits(() => kept).delete("a.py:use")
  assert.equal(new Edits(() => kept).get("a.py:use"), undefined)
})

test("what somebody else left under the same name isn't taken for an edit", () => {
  const kept = storage()
  for (const foreign of ["", "{", "null", "[]", '"x"', '{"hash": 1, "script": "x"}', '{"hash": "x"}']) {
    kept.setItem("livedoc:a.py:use", foreign)
    assert.equal(new Edits(() => kept).get("a.py:use"), undefined, foreign)
  }
})

test("a full browser is said to be full", () => {
  assert.equal(new Edits(() => storage(5)).set("a.py:use", edit), false)
})

test("a browser that keeps nothing harms nothing", () => {
  const edits = new Edits(() => {
    throw new DOMException("denied", "SecurityError")
  })
  assert.equal(edits.set("a.py:use", edit), false)
  assert.equal(edits.get("a.py:use"), undefined)
  edits.delete("a.py:use")
})
