import assert from "node:assert/strict"
import { test } from "node:test"
import { difference } from "./difference.ts"

function told(promised: string, printed: string): string[] {
  return difference(promised, printed).map(({ sign, text }) => sign + text)
}

test("lines that are in both stay once, the others are told apart", () => {
  assert.deepEqual(told("a\nb\nc\n", "a\nx\nc\nd\n"), [" a", "-b", "+x", " c", "+d"])
})

test("what was promised and not printed, or the other way round, is told", () => {
  assert.deepEqual(told("a\nb\n", ""), ["-a", "-b"])
  assert.deepEqual(told("", "a\n"), ["+a"])
})

test("a missing line end is a difference", () => {
  assert.deepEqual(told("a\n", "a"), [" a", "-"])
})

test("no difference is none", () => {
  assert.deepEqual(told("a\nb\n", "a\nb\n"), [" a", " b"])
})
