import assert from "node:assert/strict"
import { test } from "node:test"
import { CACHES } from "../messages.ts"
import { Kept } from "./kept.ts"

test("what the reader removes while it is counted stays removed", async () => {
  const name = `${CACHES}release`
  const names = new Set([name])
  let isRemoving = false
  const caches = {
    has: (asked: string) => {
      const isThere = names.has(asked)
      if (isRemoving) names.delete(asked)
      return Promise.resolve(isThere)
    },
    open: (asked: string) => Promise.resolve(names.add(asked) && { keys: () => Promise.resolve([]) }),
  } as unknown as CacheStorage
  const kept = new Kept({ name: "release", player: "player/", files: {} }, "https://example.org/", caches)
  assert.deepEqual(await kept.count(), { kept: 0, of: 0 })
  isRemoving = true
  await kept.count()
  assert.deepEqual([...names], [])
})
