import assert from "node:assert/strict"
import { test } from "node:test"
import { hex, joined, textOf, tree, withSize } from "./files.ts"

const bytes = (...numbers: number[]) => new Uint8Array(numbers)

test("files are put into their folders", () => {
  const file = (path: string) => ({ path, size: 0, head: bytes() })
  const root = tree([file(".sessions/1.session"), file(".sessions/2.session"), file("notes.txt")])
  assert.deepEqual([...root.files.keys()], ["notes.txt"])
  assert.deepEqual([...(root.folders.get(".sessions")?.files.keys() ?? [])], ["1.session", "2.session"])
})

test("folders that hold one folder each are one", () => {
  const file = (path: string) => ({ path, size: 0, head: bytes() })
  const names = (...paths: string[]) => [...tree(paths.map(file)).folders].map((inner) => joined(...inner)[0])
  assert.deepEqual(names("a/b/c/1", "a/b/c/2", "d/3"), ["a/b/c", "d"])
  assert.deepEqual(names("a/b/1", "a/2"), ["a"])
  assert.deepEqual(names("a/b/1", "a/c/2"), ["a"])
})

test("one byte is singular", () => {
  assert.equal(withSize("a.txt", 0), "a.txt, 0 bytes")
  assert.equal(withSize("a.txt", 1), "a.txt, 1 byte")
  assert.equal(withSize("a.txt", 21), "a.txt, 21 bytes")
})

test("UTF-8 without control characters is text", () => {
  assert.equal(textOf(new TextEncoder().encode('{"é": 1}\n\t\r'), false), '{"é": 1}\n\t\r')
  assert.equal(textOf(bytes(), false), "")
  assert.equal(textOf(bytes(0x61, 0), false), undefined)
  assert.equal(textOf(bytes(0xff), false), undefined)
})

test("a character that was cut at the end is left out of the text", () => {
  assert.equal(textOf(bytes(0x61, 0xc3), true), "a")
  assert.equal(textOf(bytes(0x61, 0xc3), false), undefined)
})

test("bytes are shown as numbers and letters, eight in a line", () => {
  assert.equal(
    hex(bytes(0, 0x41, 0x7f, 10, 0x7a, 0xff, 0x20, 0x7e, 0x42)),
    ["0000  00 41 7f 0a 7a ff 20 7e  .A..z. ~", "0008  42                       B"].join("\n"),
  )
})
