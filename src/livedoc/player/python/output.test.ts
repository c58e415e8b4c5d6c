import assert from "node:assert/strict"
import { test } from "node:test"
import { setTimeout as pause } from "node:timers/promises"
import type { Output } from "../messages.ts"
import { plainText, shortened, Printer } from "./output.ts"

const out = (text: string): Output => ({ stream: "out", text })

const numbers = (count: number) => Array.from({ length: count }, (_, index) => `${index}\n`)

test("what is printed in one go is passed on in fewer pieces after a while, in order and whole", () => {
  const pieces: string[] = []
  const printer = new Printer(({ text }) => pieces.push(text))
  const lines = numbers(6_000)
  for (const line of lines) printer.print(out(line))
  printer.flush()
  assert.equal(pieces.join(""), lines.join(""))
  assert.ok(pieces.length < 1_200, `${pieces.length} pieces`)
})

test("a program that prints and then hangs has shown what it printed", () => {
  const pieces: string[] = []
  const printer = new Printer(({ text }) => pieces.push(text))
  for (const line of numbers(1_000)) printer.print(out(line))
  assert.deepEqual(pieces, numbers(1_000))
})

test("a program that pauses is seen without its end", async () => {
  const passed = new Promise<string>((resolve) => {
    const printer = new Printer(({ text }) => text.endsWith("last\n") && resolve("seen"))
    for (const line of [...numbers(2_000), "last\n"]) printer.print(out(line))
  })
  assert.equal(await Promise.race([passed, pause(5_000, "never")]), "seen")
})

for (const before of [0, 2_000]) {
  test(`the two streams stay apart and in order, after ${before} lines`, () => {
    const pieces: Output[] = []
    const printer = new Printer((output) => pieces.push(output))
    for (const line of numbers(before)) printer.print(out(line))
    printer.flush()
    pieces.length = 0
    for (const letter of "aBCd") printer.print({ stream: letter < "a" ? "err" : "out", text: letter })
    printer.flush()
    assert.equal(pieces.map(({ text }) => text).join(""), "aBCd")
    for (const { stream, text } of pieces) assert.match(text, stream === "err" ? /^[A-Z]+$/ : /^[a-z]+$/)
  })
}

test("an endless program fills no page, and the page says so", () => {
  let shown = ""
  const printer = new Printer(({ text }) => (shown += text))
  for (let line = 0; line < 50_000; line++) printer.print(out("0123456789\n"))
  printer.flush()
  assert.ok(shown.length < 101_000, `${shown.length} characters`)
  assert.match(shown, /^(0123456789\n)+[0-9]*\n\[The rest is not shown.\]\n$/)
})

test("a text is shortened only if it is too long, and says so", () => {
  assert.equal(shortened("x".repeat(100_000)), "x".repeat(100_000))
  assert.equal(shortened("x".repeat(100_001)), `${"x".repeat(100_000)}\n[The rest is not shown.]\n`)
})

test("what steers a terminal is left out, and all else stays", () => {
  const plain = plainText()
  assert.equal(
    plain("\x1b[1;31mred\x1b[0m and \x1b]8;;https://x.example\x07link\x1b]8;;\x1b\\ \x07\b\t[é]\n"),
    "red and link \t[é]\n",
  )
})

test("what steers a terminal is left out where it comes in parts", () => {
  for (const whole of ["a\x1b[31mb", "a\x1b]0;title\x07b", "a\x1b]0;title\x1b\\b", "a\x1bMb"]) {
    for (let cut = 0; cut <= whole.length; cut++) {
      const plain = plainText()
      assert.equal(plain(whole.slice(0, cut)) + plain(whole.slice(cut)), "ab", JSON.stringify([whole, cut]))
    }
  }
})
