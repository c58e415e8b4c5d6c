import assert from "node:assert/strict"
import { test } from "node:test"
import { isComparable, matching, verdict } from "./expected.ts"

const right = [
  { text: "not ok\n", when: "" },
  { text: "ok\n", when: "with the mistake corrected" },
]

test("what was printed is as expected only if every character is", () => {
  assert.equal(matching(right, "not ok\n"), right[0])
  for (const printed of ["not ok", "not ok\n\n", "Not ok\n", ""]) assert.equal(matching(right, printed), undefined)
})

test("a further output that is right is as expected too, and says when", () => {
  assert.equal(verdict(matching(right, "ok\n")), "as expected with the mistake corrected")
})

test("the expected output is as expected, and any other is different", () => {
  assert.equal(verdict(matching(right, "not ok\n")), "as expected")
  assert.equal(verdict(matching(right, "half ok\n")), "different")
})

test("only short outputs are compared line by line", () => {
  assert.ok(isComparable("a\n", "b\n".repeat(400)))
  for (const outputs of [
    ["a\n", "b\n".repeat(500)],
    ["b\n".repeat(500), ""],
  ] as const)
    assert.ok(!isComparable(...outputs))
})
