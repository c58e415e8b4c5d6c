import assert from "node:assert/strict"
import { test } from "node:test"
import { followed } from "./source.ts"

test("a line is followed to where it is after an edit", () => {
  assert.equal(followed(2, "a\nb\nc\n", "a\nb\nc\n"), 2)
  assert.equal(followed(2, "a\nb\nc\n", "a\nnew\nnew\nb\nc\n"), 4)
  assert.equal(followed(3, "a\nb\nc\n", "b\nc\n"), 2)
  assert.equal(followed(1, "a\nb\nc\n", "a\nB\nc\nd\n"), 1)
})

test("a line that was changed or is gone is not followed", () => {
  assert.equal(followed(2, "a\nb\nc\n", "a\nB\nc\n"), undefined)
  assert.equal(followed(2, "a\nb\nc\n", "a\nc\n"), undefined)
  assert.equal(followed(9, "a\nb\nc\n", "a\n"), undefined)
})

test("a line of a program is followed through one edit after the other", () => {
  const script = "import anyio\n\nasync def main():\n    one()\n    two()\n\nanyio.run(main)\n"
  assert.equal(followed(5, script, script), 5)
  const edited = script.replace("    one", "    zero()\n    one")
  assert.equal(followed(5, script, edited), 6)
  assert.equal(followed(5, script, edited.replace("two", "three")), undefined)
})
