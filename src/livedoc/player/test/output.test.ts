import assert from "node:assert/strict"
import { test } from "node:test"
import { setTimeout as pause } from "node:timers/promises"
import { Output } from "../output.ts"

test("what is printed in one go is passed on in a few pieces, in order and whole", () => {
  const pieces: string[] = []
  const output = new Output((text) => pieces.push(text))
  const lines = Array.from({ length: 10_000 }, (_, index) => `${index}\n`)
  for (const line of lines) output.print(line)
  output.flush()
  assert.equal(pieces.join(""), lines.join(""))
  assert.ok(pieces.length < 100, `${pieces.length} pieces`)
})

test("the first line is passed on at once", () => {
  const pieces: string[] = []
  new Output((text) => pieces.push(text)).print("first\n")
  assert.deepEqual(pieces, ["first\n"])
})

test("a program that pauses is seen without its end", async () => {
  const passed = Promise.withResolvers<string>()
  const output = new Output((text) => text === "second\n" && passed.resolve(text))
  output.print("first\n")
  output.print("second\n")
  assert.equal(await Promise.race([passed.promise, pause(5_000, "never")]), "second\n")
})

test("an endless program fills no page, and the page says so", () => {
  let shown = ""
  const output = new Output((text) => (shown += text))
  for (let line = 0; line < 50_000; line++) output.print("0123456789\n")
  output.flush()
  assert.ok(shown.length < 201_000, `${shown.length} characters`)
  assert.match(shown, /^(0123456789\n)+[0-9]*\n\[The rest is not shown.\]\n$/)
})
