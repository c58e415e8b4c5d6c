import assert from "node:assert/strict"
import { test } from "node:test"

import { entries, isPassed, parsed, summary } from "./tap.ts"

const tap = (...lines: string[]) => parsed(["TAP version 14", ...lines, ""].join("\n"))
const told = (...lines: string[]) => tap(...lines).points.map(({ name, verdict }) => `${verdict} ${name}`)

test("a test point has a result, and perhaps a number and a description", () => {
  assert.deepEqual(told("1..5", "ok 1 - one", "not ok 2 - two", "ok - three", "ok four", "not ok"), [
    "pass one",
    "fail two",
    "pass three",
    "pass four",
    "fail check 5",
  ])
})

test("a description may begin with a number or have a dash in it", () => {
  assert.deepEqual(told("1..2", "ok 1 - 2 - 3", "ok 2 50 tasks"), ["pass 2 - 3", "pass 50 tasks"])
})

test("what looks like a result and is not one is left out", () => {
  assert.deepEqual(
    told("1..1", "okay", "# ok 1", "ok 1 - a", "    ok 1 - of a subtest", "pragma +strict", "not okay"),
    ["pass a"],
  )
})

test("a directive is told apart from a sharp in the description", () => {
  const { points } = tap("1..6", "ok 1 - a # SKIP no update", "not ok 2 - b # todo later", "ok 3 - c \\# SKIP it")
  assert.deepEqual(
    points.map(({ name, verdict, reason }) => [name, verdict, reason]),
    [
      ["a", "skipped", "no update"],
      ["b", "skipped", "later"],
      ["c # SKIP it", "pass", ""],
    ],
  )
  assert.deepEqual(told("1..4", "ok 1 - d \\\\ e", "ok 2 - issue#skip", "ok 9 # skip", "ok 4 - f \\\\ # skip"), [
    "pass d \\ e",
    "pass issue#skip",
    "skipped check 9",
    "skipped f \\",
  ])
})

test("a YAML block belongs to the test point above it", () => {
  const { points } = tap("1..2", "not ok 1 - a", "  ---", '  rule: "r"', "  ok 2 - not one", "  ...", "ok 2 - b")
  assert.deepEqual(
    points.map(({ diagnostic }) => diagnostic),
    ['rule: "r"\nok 2 - not one', ""],
  )
  assert.equal(parsed("TAP version 14\nnot ok 1 - a\n  ---\n  never: ends").points[0]?.diagnostic, "never: ends")
})

test("a report passes if each planned check ran and none failed", () => {
  assert.ok(isPassed(tap("1..2", "ok 1 - a", "ok 2 - b # SKIP why")))
  assert.ok(isPassed(tap("ok 1 - a", "1..1")))
  assert.ok(isPassed(tap("1..1 # all", "ok 1 - a")))
  assert.ok(!isPassed(tap("1..1", "not ok 1 - a")))
  assert.ok(!isPassed(tap("1..2", "ok 1 - a")))
  assert.ok(!isPassed(tap("1..1", "ok 1 - a", "ok 2 - b")))
  assert.ok(!isPassed(tap("ok 1 - a")))
  assert.ok(!isPassed(tap("1..1", "ok 1 - a", "Bail out! no disk")))
  assert.ok(!isPassed(tap("1..0 # SKIP nothing to do")))
})

test("a report is said in a sentence", () => {
  assert.equal(summary(tap("1..2", "ok 1 - a", "ok 2 - b")), "2 checks pass")
  assert.equal(summary(tap("1..3", "not ok 1 - a", "ok 2 - b", "ok # SKIP")), "1 of 2 checks fails, 1 is skipped")
  assert.equal(summary(tap("1..9", "not ok 1 - a", "not ok 2 - b")), "2 of 2 checks fail, 2 of 9 checks ran")
  assert.equal(
    summary(tap("1..9", "ok 1 - a", "bail out! no disk", "ok 2 - b")),
    "1 check passes, the checks were given up: no disk",
  )
})

test("the entries of a simple YAML block are texts, and of another one there are none", () => {
  assert.deepEqual(entries('rule: "a \\"b\\""\nseen: |2\n  one\n    two\n\n  three'), [
    ["rule", 'a "b"'],
    ["seen", "one\n  two\n\nthree\n"],
  ])
  for (const other of ["", "- a list", "a: 1", 'a: "b', 'a: "b"c"', 'a: "\\x"', "  indented"])
    assert.equal(entries(other), undefined)
})
