import assert from "node:assert/strict"
import { test } from "node:test"
import { finished, invitation, loading } from "./status.ts"

const done = { kind: "done", run: 1, seconds: 0.12, files: [], unlisted: 0, spent: false } as const
const failed = { ...done, kind: "failed", traceback: "", error: "KeyError", line: 12 } as const

test("sizes are told in megabytes with one decimal", () => {
  assert.equal(loading(2_290_000, 4_940_000), "Loading Python, 2.3 of 4.9 MB")
})

test("what is said before the click is never less than what comes", () => {
  assert.equal(invitation(4_910_000), "Runs in your browser: up to 5.0 MB, once")
  assert.equal(invitation(4_900_000), "Runs in your browser: up to 4.9 MB, once")
})

test("it is said whether what was printed is as expected", () => {
  assert.equal(finished(done, "a\n", true), "Finished, 1 line, 0.1 s, as expected")
  assert.equal(finished(done, "a", false), "Finished, 1 line, 0.1 s, not as expected")
})

test("lines are counted whether the last one ends or not", () => {
  assert.match(finished(done, "", false), /^Finished, 0 lines,/)
  assert.match(finished(done, "a\n\nb", false), /^Finished, 3 lines,/)
  assert.match(finished(done, "a\n\nb\n", false), /^Finished, 3 lines,/)
})

test("a failure has its name and its line, and is not compared with the expected output", () => {
  assert.equal(finished(failed, "a\n", true), "Failed: KeyError, line 12")
  assert.equal(finished({ ...failed, line: undefined }, "a\n", false), "Failed: KeyError")
})

test("what takes no time takes not zero seconds", () => {
  assert.equal(finished({ ...done, seconds: 0.04 }, "", false), "Finished, 0 lines, under 0.1 s, not as expected")
})
