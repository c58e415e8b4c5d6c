import assert from "node:assert/strict"
import { test } from "node:test"

import { widened } from "./query.ts"

test("a word is looked for within others, and then with a typo", () => {
  assert.deepEqual(widened("StorageMemory"), ["*StorageMemory", "StorageMemory~1"])
})

test("a name with dots and brackets is looked for by its parts", () => {
  assert.deepEqual(widened(" sesions.update() "), ["*sesions *update", "sesions~1 update~1"])
})

test("a short word is one typo away from too many others", () => {
  assert.deepEqual(widened("a ttl"), [])
  assert.deepEqual(widened("ttl sesion"), ["ttl *sesion", "sesion~1"])
})

test("a reader who uses operators gets what they say", () => {
  for (const query of ["redis*", "+redis", "sesion~2", '"session fixation"', "title:redis", "-redis"])
    assert.deepEqual(widened(query), [])
})
