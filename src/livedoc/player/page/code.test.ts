import assert from "node:assert/strict"
import { test } from "node:test"
import { Code } from "./code.ts"
import { Edits } from "./edits.ts"

const script = "import anyio\n\nasync def main():\n    one()\n    two()\n\nanyio.run(main)\n"
const snippet = { name: "a.py:main", hash: "1a2b3c4d", script }
const beyond = script.replace("anyio", "asyncio")

/** The code of a block in a browser that has stored `own`; `room`: whether it stores anything else. */
function codeWith({ own, hash = snippet.hash, room = true }: { own?: string; hash?: string; room?: boolean } = {}) {
  const items = new Map<string, string>()
  const storage: Partial<Storage> = {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => {
      if (!room) throw new DOMException("full", "QuotaExceededError")
      items.set(key, value)
    },
    removeItem: (key) => void items.delete(key),
  }
  const edits = new Edits(() => storage as Storage)
  if (own !== undefined) edits.set(snippet.name, { hash, script: own })
  const left: string[] = []
  const code = new Code(snippet, edits, () => left.push(code.script))
  const store = (other: string | undefined) =>
    other === undefined ? edits.delete(snippet.name) : edits.set(snippet.name, { hash: snippet.hash, script: other })
  return { code, left, store, stored: () => edits.get(snippet.name) }
}

test("the original says nothing of itself", () => {
  const { code } = codeWith()
  assert.equal(code.script, script)
  assert.deepEqual([code.isEdited, code.notice], [false, ""])
})

test("a change is what runs, and is stored", () => {
  const { code, stored } = codeWith()
  code.change(beyond)
  assert.deepEqual([code.script, code.isEdited, stored()], [beyond, true, { hash: snippet.hash, script: beyond }])
  code.change("")
  assert.deepEqual([code.script, code.isEdited, stored()?.script], ["", true, ""])
})

test("an edit that becomes the original again is no longer stored", () => {
  const { code, stored } = codeWith()
  code.change(beyond)
  code.change(script)
  assert.deepEqual([code.isEdited, code.notice, stored()], [false, "", undefined])
})

test("the reader's edit comes back and says so, until it is reset", () => {
  const own = script.replace("two", "three")
  const { code, stored } = codeWith({ own })
  assert.equal(code.script, own)
  assert.equal(code.notice, "This is your edit. Reset brings the original one back.")
  code.reset()
  assert.deepEqual([code.script, code.notice, stored()], [script, "", undefined])
})

test("an edit with hidden characters says how many, and the original says nothing", () => {
  const { code } = codeWith()
  code.lend({ hash: snippet.hash, script: "print('\u202egnp.exe')\u200b" })
  const marked = " Of its characters, 2 can't be seen or reorder others: each is marked."
  assert.equal(code.notice, `This edit came with the link. Reset brings the original one back.${marked}`)
  code.change("print()")
  assert.equal(code.notice, "")
})

test("a change takes the notice away", () => {
  const { code } = codeWith({ own: beyond })
  code.change(`${beyond}#`)
  assert.equal(code.notice, "")
})

test("an edit of an earlier version of the snippet says so", () => {
  const { code } = codeWith({ own: beyond, hash: "0" })
  const notice = "This is your edit, of an earlier version of this snippet. Reset brings the new one back."
  assert.equal(code.notice, notice)
  code.change(script)
  code.change(beyond)
  assert.equal(code.notice, "")
})

test("a browser that stores nothing is said to", () => {
  const { code } = codeWith({ room: false })
  code.change(beyond)
  assert.equal(code.notice, "This browser can't store this edit: copy or share what you want to keep.")
  code.change(script)
  assert.equal(code.notice, "")
})

test("what a link brought lies over the reader's edit and leaves it alone", () => {
  const own = script.replace("two", "mine")
  const { code, left, stored } = codeWith({ own })
  code.lend({ hash: snippet.hash, script: beyond })
  const back = "your own one back, as long as you change nothing here"
  assert.equal(code.notice, `This edit came with the link. Reset brings ${back}.`)
  assert.deepEqual([code.script, stored()?.script, left], [beyond, own, []])
  code.reset()
  assert.deepEqual([code.script, stored()?.script], [own, own])
  assert.equal(code.notice, "This is your edit. Reset brings the original one back.")
  assert.deepEqual(left, [beyond])
  code.reset()
  assert.deepEqual([code.script, stored(), left], [script, undefined, [beyond]])
})

test("what a link brought is the reader's once they change it", () => {
  const { code, left, stored } = codeWith({ own: script.replace("two", "mine") })
  code.lend({ hash: "0", script: beyond })
  code.change(`${beyond}#`)
  assert.deepEqual([stored()?.script, left], [`${beyond}#`, [`${beyond}#`]])
  code.change(`${beyond}##`)
  code.reset()
  assert.deepEqual([code.script, stored(), left], [script, undefined, [`${beyond}#`]])
})

test("a link over the original, made of an earlier version, says what Reset brings", () => {
  const { code } = codeWith()
  code.lend({ hash: "0", script: beyond })
  const notice = "This edit came with the link, of an earlier version of this snippet. Reset brings the new one back."
  assert.equal(code.notice, notice)
})

test("a reset can be undone, and again what was made in between", () => {
  const { code, stored } = codeWith()
  assert.equal(code.canUndo, false)
  code.change(beyond)
  code.reset()
  assert.deepEqual([code.script, code.canUndo, stored()], [script, true, undefined])
  code.reset()
  assert.equal(code.canUndo, true)
  code.undo()
  assert.deepEqual([code.script, code.canUndo, stored()?.script], [beyond, false, beyond])
  code.reset()
  code.change(`${script}# later`)
  code.undo()
  assert.deepEqual([code.script, code.canUndo], [beyond, true])
  code.undo()
  assert.equal(code.script, `${script}# later`)
})

test("an edit of an earlier version is still one after reset and undo", () => {
  const { code, stored } = codeWith({ own: beyond, hash: "0" })
  code.reset()
  code.undo()
  assert.equal(stored()?.hash, "0")
  assert.match(code.notice, /of an earlier version/)
})

test("what a link brought comes back by undo, over the reader's edit", () => {
  const own = script.replace("two", "mine")
  const { code, stored } = codeWith({ own })
  code.lend({ hash: "0", script: beyond })
  code.reset()
  assert.equal(code.script, own)
  code.undo()
  assert.deepEqual([code.script, code.isLent, stored()?.script], [beyond, true, own])
  code.giveBack()
  assert.deepEqual([code.script, code.isLent, stored()?.script], [own, false, own])
})

test("what another tab stores is told, and can be exchanged for this one's", () => {
  const { code, stored, store } = codeWith()
  code.look()
  assert.equal(code.hasRival, false)
  store(beyond)
  code.look()
  assert.deepEqual([code.hasRival, code.script], [true, script])
  code.swap()
  assert.deepEqual([code.script, stored()?.script], [beyond, beyond])
  code.swap()
  assert.deepEqual([code.script, stored()], [script, undefined])
  store(script.replace("one", "uno"))
  code.look()
  store(undefined)
  code.look()
  assert.equal(code.hasRival, false) // it's what is shown
})

test("what another tab stored unheard is put aside before it is overwritten", () => {
  const { code, stored, store } = codeWith()
  code.change(beyond)
  store(script.replace("one", "uno"))
  code.change(`${beyond}#`)
  assert.deepEqual([stored()?.script, code.hasRival], [`${beyond}#`, true])
  code.swap()
  assert.equal(code.script, script.replace("one", "uno"))
  store(beyond)
  code.reset()
  assert.deepEqual([code.script, code.hasRival], [script, true])
})

test("an edit is safe if a reload shows it again", () => {
  const { code } = codeWith()
  assert.equal(code.isSafe, true)
  code.change(beyond)
  assert.equal(code.isSafe, true)
  code.lend({ hash: "0", script: "print()" })
  assert.equal(code.isSafe, false)
  const without = codeWith({ room: false }).code
  without.change(beyond)
  assert.equal(without.isSafe, false)
})
