import assert from "node:assert/strict"
import { readdir, readFile } from "node:fs/promises"
import { test } from "node:test"
import { linkTo, type Shared, sharedBy } from "./share.ts"

const snippets = new URL("../../../../snippets/", import.meta.url)
async function madeLink(shared: Shared): Promise<string> {
  return (await linkTo(shared)) ?? assert.fail("no link was made")
}

const edit = { block: "a/b.py:use", hash: "1a2b3c4d", script: 'print("é 🎫 <b>")\n' }

test("a link brings back what was put into it", async () => {
  assert.deepEqual(await sharedBy(await madeLink(edit)), edit)
})

test("a link brings back what the controls of a lab were set to, and nothing that a control can't be", async () => {
  const values = { now: 600, order: "1212 é" }
  assert.deepEqual(await sharedBy(await madeLink({ ...edit, values })), { ...edit, values })
  const odd = { order: "12", list: [1], nothing: null } as unknown as { order: string }
  assert.deepEqual(await sharedBy(await madeLink({ ...edit, values: odd })), { ...edit, values: { order: "12" } })
  const none = "1212" as unknown as typeof values
  assert.deepEqual(await sharedBy(await madeLink({ ...edit, values: none })), { ...edit, values: {} })
})

test("a link that was given away long ago still brings its edit", async () => {
  const given = "#try=1.q1ZKyslPzlayUkrUK6i0Ki1OVdJRykgszlCyUjJMNEoyTjZJUdJRKk4uyiwoUbJSKijKzCvRMNSMyVOqBQA"
  assert.deepEqual(await sharedBy(given), { block: "a.py:use", hash: "1a2b3c4d", script: "print(1)\n" })
})

test("a browser that cannot pack makes no link, and one that cannot unpack says so", async () => {
  const link = await madeLink(edit)
  const { CompressionStream, DecompressionStream } = globalThis
  const onlyGzip = class {
    constructor(form: string) {
      if (form !== "gzip") throw new TypeError(`unsupported: ${form}`)
    }
  }
  try {
    for (const lacking of [undefined, onlyGzip]) {
      Object.assign(globalThis, { CompressionStream: lacking, DecompressionStream: lacking })
      assert.equal(await linkTo(edit), undefined)
      assert.equal(await sharedBy(link), "unreadable")
      assert.equal(await sharedBy("#in-memory"), undefined)
    }
  } finally {
    Object.assign(globalThis, { CompressionStream, DecompressionStream })
  }
})

test("sixty lines of Python fit into 2,000 characters", async () => {
  const files = (await readdir(snippets, { recursive: true })).filter((name) => /^\w+\/(?!conftest)\w+\.py$/.test(name))
  const scripts = await Promise.all(files.map((name) => readFile(new URL(name, snippets), "utf8")))
  assert.ok(scripts.length > 10)
  const lines = scripts.join("").split("\n")
  for (let start = 0; start + 60 <= lines.length; start += 60) {
    const script = lines.slice(start, start + 60).join("\n")
    const link = await madeLink({ block: "storages/write_and_read.py:use", hash: "1a2b3c4d", script })
    assert.ok(link.length <= 2000, `${link.length} characters for lines ${start} to ${start + 60}`)
  }
})

test("any other hash brings nothing", async () => {
  assert.equal(await sharedBy(""), undefined)
  assert.equal(await sharedBy("#in-memory"), undefined)
})

test("what a mail, a chat or a page puts behind a link does no harm", async () => {
  const link = await linkTo(edit)
  const ends = [
    ".",
    ",",
    ")",
    ").",
    "!",
    "?",
    ";",
    ":",
    "'",
    '"',
    ">",
    "]",
    "*",
    "…",
    "”",
    "%29",
    "%20and%20more",
    "&amp;",
  ]
  for (const end of [...ends, "&utm_source=mail", "?fbclid=abc", "_", "__", "-", "—", "\u200b", ")-_"])
    assert.deepEqual(await sharedBy(link + end), edit, end)
})

test("a link that was cut or changed says so", async () => {
  const link = await madeLink(edit)
  assert.equal(await sharedBy(link.slice(0, -9)), "broken")
  assert.equal(await sharedBy("#try=1."), "broken")
  assert.equal(await sharedBy("#try=9.abc"), "broken")
  assert.equal(await sharedBy(link.replace("=1.", "=1.!")), "broken")
})
