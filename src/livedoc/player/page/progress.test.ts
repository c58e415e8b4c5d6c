import assert from "node:assert/strict"
import { test } from "node:test"
import { Progress } from "./progress.ts"

function storage(): Storage {
  const kept = new Map<string, string>()
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  } as unknown as Storage
}

test("what was done is there again, as far as the lesson still has it", () => {
  const kept = storage()
  new Progress(() => kept, "labs/a.py").set(["one", "two"])
  assert.deepEqual(new Progress(() => kept, "labs/a.py").get(["two", "three"]), ["two"])
  assert.deepEqual(new Progress(() => kept, "labs/b.py").get(["two"]), [])
})

test("nothing is left of what was done, once the reader starts over", () => {
  const kept = storage()
  const progress = new Progress(() => kept, "labs/a.py")
  progress.set(["one"])
  progress.set([])
  assert.deepEqual(progress.get(["one"]), [])
})

for (const value of ["{", "{}", "null", '"one"'])
  test(`a browser that keeps ${value} has kept nothing`, () => {
    const kept = storage()
    kept.setItem("livedoc-steps:labs/a.py", value)
    assert.deepEqual(new Progress(() => kept, "labs/a.py").get(["one"]), [])
  })

test("a browser that keeps nothing does no harm", () => {
  const progress = new Progress(() => {
    throw new Error("blocked")
  }, "labs/a.py")
  progress.set(["one"])
  assert.deepEqual(progress.get(["one"]), [])
})
