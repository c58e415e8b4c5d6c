import assert from "node:assert/strict"
import { test } from "node:test"
import { finished, loading } from "../status.ts"

test("progress is told in megabytes with one decimal", () => {
  assert.equal(loading(7_290_000, 12_940_000), "Loading Python, 7.3 of 12.9 MB")
})

test("what was printed is as promised only if every character is", () => {
  const done = { kind: "done", run: 1, seconds: 0.12 } as const
  assert.equal(finished(done, "a\n", "a\n"), "Finished in 0.1 s, as promised")
  assert.equal(finished(done, "a", "a\n"), "Finished in 0.1 s, differs from the promised output")
})

test("a failed run is not compared with the promise", () => {
  assert.equal(finished({ kind: "failed", run: 1, seconds: 2, traceback: "" }, "a\n", "a\n"), "Failed after 2.0 s")
})

test("what takes no time takes not zero seconds", () => {
  assert.equal(finished({ kind: "done", run: 1, seconds: 0.04 }, "", undefined), "Finished in under 0.1 s")
})
