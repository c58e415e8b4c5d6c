import assert from "node:assert/strict"
import { test } from "node:test"
import { excerpt, followed, moved, splice } from "./source.ts"

const script =
  "import asyncio\n\nasync def main():\n    one()\n\n    if two():\n        three()\n\nasyncio.run(main())\n"
const body = { first: 4, last: 7, indent: 4 }

test("an excerpt is shown without the indent it has in the script", () => {
  assert.equal(excerpt(script, body), "one()\n\nif two():\n    three()")
})

test("an excerpt that was not edited gives the script back", () => {
  assert.equal(splice(script, body, excerpt(script, body)), script)
})

test("an edit takes the place of the excerpt and is indented as it was", () => {
  const edited = splice(script, body, "if four():\n\n    five()\nsix()")
  const expected = "    if four():\n\n        five()\n    six()\n"
  assert.equal(edited, `import asyncio\n\nasync def main():\n${expected}\nasyncio.run(main())\n`)
})

test("an empty line of an edit gets no spaces at its end", () => {
  assert.equal(splice("a\n    b\nc\n", { first: 2, last: 2, indent: 4 }, "b\n\nb"), "a\n    b\n\n    b\nc\n")
})

test("the whole script can be the excerpt", () => {
  assert.equal(splice("a\nb\n", { first: 1, last: 2, indent: 0 }, "c"), "c\n")
})

test("an edited excerpt is found again", () => {
  const edited = splice(script, body, "four()\n\nfive()\nsix()\nseven()\neight()")
  const found = moved(edited, script, body)
  assert.deepEqual(found, { first: 4, last: 9, indent: 4 })
  assert.equal(found && excerpt(edited, found), "four()\n\nfive()\nsix()\nseven()\neight()")
})

test("an excerpt that was emptied is found again", () => {
  assert.deepEqual(moved(splice(script, body, ""), script, body), { first: 4, last: 4, indent: 4 })
})

test("an edit beyond the excerpt no longer has an excerpt", () => {
  assert.equal(moved(script.replace("import asyncio", "import time"), script, body), undefined)
  assert.equal(moved(script.replace("asyncio.run", "time.run"), script, body), undefined)
  assert.equal(moved(script.replace("    one()", "one()"), script, body), undefined)
  assert.equal(moved("", script, body), undefined)
  assert.equal(moved(script + "more\n", script, body), undefined)
})

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
