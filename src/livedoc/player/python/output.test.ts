import assert from "node:assert/strict"
import { test } from "node:test"
import { setTimeout as pause } from "node:timers/promises"
import type { Change, Output } from "../messages.ts"
import { plainText, Printer, shown } from "./output.ts"

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
    const pieces: Change[] = []
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
  assert.equal(shown("x".repeat(100_000)), "x".repeat(100_000))
  assert.equal(shown("x".repeat(100_001)), `${"x".repeat(100_000)}\n[The rest is not shown.]\n`)
})

/** What the page shows in the end, after it has been told at each of `cuts`, and that the streams are those of the letters. */
function page(pieces: readonly string[], cuts: boolean): string {
  let shown: { stream: string; character: string }[] = []
  const printer = new Printer(({ back, stream, text }) => {
    shown = [...shown.slice(0, shown.length - back), ...text.split("").map((character) => ({ stream, character }))]
  })
  if (!cuts) for (const line of numbers(1_000)) printer.print(out(line)) // what comes now comes together
  printer.flush()
  shown = []
  for (const text of pieces) printer.print({ stream: /[A-Z]/.test(text) ? "err" : "out", text })
  printer.flush()
  for (const { stream, character } of shown)
    if (/\w/.test(character)) assert.equal(stream, /[A-Z]/.test(character) ? "err" : "out", character)
  return shown.map(({ character }) => character).join("")
}

for (const [printed, seen] of [
  ["10 %|\r20 %|\r100 %|\n", "100 %\n"],
  ["a long line|\rshort", "shortg line"],
  ["one\r\ntwo|\r|\nthree\r\n", "one\ntwo\nthree\n"],
  ["ab|\b\b\b\bc", "cb"],
  ["first\nsecond|\rS|\b\b\bxyz", "first\nxyzond"],
  ["spin -|\b\\|\b/", "spin /"],
  ["😀😀|\b\bé", "é😀"],
  ["😀b|\rc", "cb"],
  ["error|\rERR|\nno|\bN", "ERRor\nnN"],
  ["a long line|\r\vshort", "short"],
  ["a long line|\b\b\b\b\v!", "a long !"],
  ["first\nsecond|\r\fshort", "first\nshort"],
  ["error|\rERR|\r\fno|NE", "noNE"],
  ["error\n|ER|ror\nno|NE", "error\nERror\nnoNE"],
  ["a long line|\f|\rshort|\nnext", "short\nnext"],
  ["ab\fc\n", "  c\n"],
  ["gone|\r\v", ""],
] as const)
  for (const cuts of [true, false])
    test(`${JSON.stringify(printed)} is ${JSON.stringify(seen)} as in a terminal, told ${cuts ? "often" : "once"}`, () => {
      assert.equal(page(printed.split("|"), cuts), seen)
    })

test("a line that is overwritten again and again stays as short as it is", () => {
  let shown = ""
  const printer = new Printer(({ back, text }) => (shown = shown.slice(0, shown.length - back) + text))
  for (let step = 10_000; step < 60_000; step++) printer.print(out(`\rstep ${step}`))
  printer.flush()
  assert.equal(shown, "step 59999")
})

test("an error is shown as in a terminal too", () => {
  assert.equal(shown("ValueError: \x1b[31mold\b\b\bnew\x1b[0m\r\n"), "ValueError: new\n")
})

test("what erases in the line is told apart from what steers elsewhere", () => {
  assert.equal(plainText()("a\x1b[K\x1b[0K\x1b[2K\x1b[1K\x1b[2J\v\f"), "a\v\v\f")
})

test("what steers a terminal is left out, and all else stays", () => {
  const plain = plainText()
  assert.equal(
    plain("\x1b[1;31mred\x1b[0m and \x1b]8;;https://x.example\x07link\x1b]8;;\x1b\\ \x07\f\v\t[é]\n"),
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
