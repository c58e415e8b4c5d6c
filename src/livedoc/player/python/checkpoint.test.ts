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

// What only JavaScript sees.

/** Pyodide's inner parts. */
function inside() {
  return Reflect.get(python, "_module") as {
    HEAPU8: Uint8Array
    _sbrk(increment: number): number
    _emscripten_stack_get_end(): number
    _emscripten_stack_get_current(): number
    FS: { streams: ({ fd: number | null } | null | undefined)[] }
    LDSO: { loadedLibsByName: Record<string, unknown> }
    __hiwire_immortal_get(index: number): unknown
  }
}

test("all memory is as it was, but for what the stack has free", () => {
  checkpoint.take()
  const { HEAPU8, _sbrk, _emscripten_stack_get_end, _emscripten_stack_get_current } = inside()
  const places = [
    [0, _emscripten_stack_get_end()],
    [_emscripten_stack_get_current(), _sbrk(0)],
  ] as const
  const before = places.map(([begin, end]) => Buffer.from(HEAPU8.slice(begin, end)))
  output("json.dumps = len\nimport csv, difflib\ntaken = [bytearray(b'x' * n) for n in range(999)]")
  const now = () => places.map(([begin, end]) => Buffer.from(inside().HEAPU8.subarray(begin, end)))
  assert.ok(now().every((part, index) => part.length > 1_000_000 && !part.equals(before[index] ?? part)))
  assert.ok(checkpoint.restore())
  assert.ok(now().every((part, index) => part.equals(before[index] ?? Buffer.of())))
})

test("memory that a program took is empty again", () => {
  const before = inside().HEAPU8.length
  output("taken = bytearray(b'x') * 90_000_000")
  assert.ok(inside().HEAPU8.subarray(before).includes("x".charCodeAt(0)))
  assert.ok(checkpoint.restore())
  assert.ok(inside().HEAPU8.length > before)
  assert.ok(
    !inside()
      .HEAPU8.subarray(before)
      .some((byte) => byte !== 0),
  )
})

test("a file that a program left open is closed", () => {
  const before = [...inside().FS.streams]
  output("os.open('/', 0)")
  const [opened] = inside().FS.streams.filter((stream) => !before.includes(stream))
  assert.ok(opened)
  assert.notEqual(opened.fd, null)
  assert.ok(checkpoint.restore())
  assert.equal(opened.fd, null)
})

test("what a program's values are forgotten by is told that they are gone", async () => {
  const fresh = await loadPyodide()
  const [registered, unregistered] = [new Set<object>(), new Set<object>()]
  const registry = {
    register: (_target: object, _held: unknown, token: object) => registered.add(token),
    unregister: (token: object) => unregistered.add(token),
  }
  Reflect.set(Reflect.get(fresh, "_module") as object, "finalizationRegistry", registry)
  const put = new Checkpoint(fresh)
  put.take()
  registered.clear()
  fresh.runPython("[1]")
  put.restore()
  assert.ok(registered.size > 0)
  for (const token of registered) assert.ok(unregistered.has(token))
})

test("a library that a program loaded can't be taken back", () => {
  inside().LDSO.loadedLibsByName["wool.so"] = {}
  assert.equal(checkpoint.restore(), false)
  delete inside().LDSO.loadedLibsByName["wool.so"]
  assert.ok(checkpoint.restore())
})

test("the numbers by which Python knows what is JavaScript's are the same ones", () => {
  /** In pairs: what it is, and its number. */
  const known = () => {
    for (let index = 0; ; index++) {
      const each = inside().__hiwire_immortal_get(index)
      if (each instanceof Map) return [...each].flat() as unknown[]
    }
  }
  const before = known()
  output("import js\nfound = [js.Object.new() for _ in range(5)]")
  assert.ok(known().length > before.length)
  assert.ok(checkpoint.restore())
  const after = known()
  assert.ok(after.length === before.length && after.every((each, index) => Object.is(each, before[index])))
})

for (const [change, write] of [
  ["size", "os.truncate('/left.txt', 3)\nos.utime('/left.txt', (9, 9))"],
  ["time", "os.utime('/left.txt', (1, 1))"],
  ["mode", "os.chmod('/left.txt', 0o600)"],
  ["absence", "os.remove('/left.txt')"],
] as const)
  test(`a file of another ${change} can't be put back`, () => {
    output("open('/left.txt', 'w').close()\nos.utime('/left.txt', (9, 9))")
    checkpoint.take()
    output("print(os.path.exists('/left.txt'))")
    assert.ok(checkpoint.restore())
    output(write)
    assert.equal(checkpoint.restore(), false)
    checkpoint.take()
  })

for (const harm of [
  "import js\nfrom pyodide.ffi import create_proxy\njs.kept = create_proxy(print)",
  "import js\nfrom pyodide.ffi import create_proxy\njs.kept = create_proxy(print)\nasyncio.get_event_loop().call_later(9, print)",
  "import js\nfrom pyodide.ffi import create_once_callable\njs.setTimeout(create_once_callable(print), 9_999)",
  "open('/left.txt', 'w').close()",
  "os.remove('/lib/python314.zip')",
  "bytearray(300_000_000)", // from then on Python has too much
])
  test(`what can't be put back is told: ${JSON.stringify(harm)}`, () => {
    output(harm) // without its value, which would be told as well
    assert.equal(checkpoint.restore(), false)
    checkpoint.take()
  })
