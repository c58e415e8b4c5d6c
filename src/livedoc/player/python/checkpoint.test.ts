import assert from "node:assert/strict"
import { before, test } from "node:test"
import { setTimeout as pause } from "node:timers/promises"
import { loadPyodide, type PyodideAPI } from "pyodide"
import type { PyProxy } from "pyodide/ffi"
import { Checkpoint } from "./checkpoint.ts"

let python: PyodideAPI
let checkpoint: Checkpoint
let printed = ""

before(async () => {
  python = await loadPyodide()
  checkpoint = new Checkpoint(python)
  const write = (bytes: Uint8Array) => {
    printed += new TextDecoder().decode(bytes)
    return bytes.length
  }
  python.setStdout({ write })
  python.setStderr({ write })
  python.runPython("import asyncio, decimal, fractions, gc, json, locale, logging, os, signal, sys, warnings")
  checkpoint.take()
})

/** What it prints. */
function output(source: string): string {
  printed = ""
  python.runPython(`${source}\nNone`)
  return printed
}

// What a program may do, and what another one would see of it.
const HARMS: [harm: string, look: string][] = [
  ["x = 1", "print('x' in globals())"],
  ["json.dumps = len", "print(json.dumps([1]))"],
  ["fractions.Fraction.__str__ = lambda self: 'none'", "print(fractions.Fraction(1, 2))"],
  ["json.JSONEncoder.item_separator = ';'", "print(json.JSONEncoder.item_separator)"],
  ["decimal.getcontext().prec = 3", "print(decimal.getcontext().prec)"],
  ["logging.disable(50)\nlogging.getLogger('a').setLevel(1)", "logging.getLogger('a').error('seen')"],
  ["locale.setlocale(locale.LC_ALL, 'C')", "print(locale.setlocale(locale.LC_ALL))"],
  ["signal.signal(signal.SIGINT, signal.SIG_IGN)", "print(signal.getsignal(signal.SIGINT))"],
  ["gc.disable()\ngc.set_threshold(1)", "print(gc.isenabled(), gc.get_threshold())"],
  ["warnings.simplefilter('error')", "warnings.warn('old')"],
  ["sys.settrace(lambda *_: None)\nsys.displayhook = sys.excepthook = None", "print(sys.gettrace(), sys.displayhook)"],
  ["sys.stdout = sys.__stdout__ = sys.stdin = None", "print(sys.stdin.read(0) == '', 'printed')"],
  ["import io\nsys.stdout = io.TextIOWrapper(sys.stdout.buffer)\nsys.stdout = None\ngc.collect()", "print('printed')"],
  ["os.close(1)\nos.open('/', 0)", "print('printed')"],
  ["os.dup2(0, 1)\nos.close(2)", "print('printed')\nprint('too', file=sys.stderr)"],
  ["for _ in range(20): os.open('/', 0)", "print(os.open('/', 0))"],
  ["os.chdir('/lib')\nos.environ['COAT'] = 'grey'", "print(os.getcwd(), 'COAT' in os.environ)"],
  ["asyncio.set_event_loop_policy(None)", "print(type(asyncio.get_event_loop_policy()).__name__)"],
  [
    "import codecs\ncodecs.register(lambda name: print(name))",
    "try: ''.encode('wool')\nexcept LookupError: print('none')",
  ],
  ["sys.modules.clear()", "import json\nprint(json.dumps([1]))"],
  [
    "import js, pyodide.webloop as loop\ndel loop.scheduleCallback\ngc.collect()\nfound = [js.Object.new() for _ in range(9)]",
    "import pyodide.webloop as loop\nprint(loop.scheduleCallback)",
  ],
  ["big = bytearray(b'x') * 60_000_000", "print(len(bytes(50_000_000).strip(b'\\0')))"],
]

const WAITING = `
async def sleep():
    async with asyncio.timeout(9):
        await asyncio.sleep(0.001)
    return "slept"
sleep()`

for (const [harm, look] of HARMS)
  test(`as before ${JSON.stringify(harm)}`, () => {
    const before = output(look)
    assert.ok(checkpoint.restore())
    output(harm)
    assert.ok(checkpoint.restore())
    assert.equal(output(look), before)
    assert.ok(checkpoint.restore())
  })

test("what was set up for later doesn't happen", async () => {
  assert.ok(checkpoint.restore())
  printed = ""
  python.runPython("for when in (0, 0.01): asyncio.get_event_loop().call_later(when, print, 'late')")
  assert.ok(checkpoint.restore())
  await pause(50)
  assert.equal(printed, "")
})

test("what a program waits for happens, each time", async () => {
  for (let turn = 0; turn < 3; turn++) {
    const waiting = python.runPython(WAITING) as PyProxy & Promise<string>
    assert.equal(await waiting, "slept")
    waiting.destroy()
    await pause(1)
    assert.ok(checkpoint.restore())
  }
})

test("it can be put back many times, and taken again", () => {
  for (let turn = 0; turn < 50; turn++) {
    assert.equal(output("print('turns' in globals())\nturns = [str(n) for n in range(9999)]"), "False\n")
    assert.ok(checkpoint.restore())
  }
  python.runPython("kept = 1")
  checkpoint.take()
  python.runPython("kept = 2")
  assert.ok(checkpoint.restore())
  assert.equal(output("print(kept)"), "1\n")
  assert.ok(checkpoint.restore())
})

for (const harm of [
  "import js\nfrom pyodide.ffi import create_proxy\njs.kept = create_proxy(print)",
  "import js\nfrom pyodide.ffi import create_once_callable\njs.setTimeout(create_once_callable(print), 9_999)",
  "open('/left.txt', 'w').close()",
  "bytearray(300_000_000)",
  "os.remove('/lib/python314.zip')",
])
  test(`what can't be put back is told: ${JSON.stringify(harm)}`, () => {
    python.runPython(harm)
    assert.equal(checkpoint.restore(), false)
    checkpoint.take()
  })
