import assert from "node:assert/strict"
import { test } from "node:test"
import { Code } from "./code.ts"
import { Edits } from "./edits.ts"

const script = "import anyio\n\nasync def main():\n    one()\n    two()\n\nanyio.run(main)\n"
const snippet = { name: "a.py:main", hash: "1a2b3c4d", script, excerpt: { first: 4, last: 5, indent: 4 } }
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
  return { code, left, stored: () => edits.get(snippet.name) }
}

test("the original is shown as its excerpt, and says nothing of itself", () => {
  const { code } = codeWith()
  assert.deepEqual([code.script, code.text, code.firstLine], [script, "one()\ntwo()", 4])
  assert.deepEqual([code.isEdited, code.notice], [false, ""])
})

test("the whole file is shown on demand, and the excerpt again", () => {
  const { code } = codeWith()
  assert.equal(code.turn(), true)
  assert.deepEqual([code.shown, code.text, code.firstLine], [undefined, script, 1])
  assert.equal(code.turn(), true)
  assert.equal(code.text, "one()\ntwo()")
})

test("a change of the excerpt changes these lines of the script, and the excerpt grows with it", () => {
  const { code, stored } = codeWith()
  code.change("one()\nif two():\n    three()")
  assert.equal(code.script, script.replace("    two()", "    if two():\n        three()"))
  assert.deepEqual([code.text, code.firstLine, code.isEdited], ["one()\nif two():\n    three()", 4, true])
  assert.deepEqual(stored(), { hash: snippet.hash, script: code.script })
  code.change("")
  assert.equal(code.script, script.replace("    one()\n    two()", ""))
  assert.equal(code.text, "")
})

test("a change of the whole file stays whole, even back within the excerpt", () => {
  const { code } = codeWith()
  code.turn()
  code.change(beyond)
  assert.equal(code.script, beyond)
  assert.equal(code.turn(), false)
  assert.equal(code.text, beyond)
  code.change(script.replace("two", "three"))
  assert.equal(code.shown, undefined)
  assert.equal(code.turn(), true)
  assert.equal(code.text, "one()\nthree()")
})

test("an edit that becomes the original again is no longer stored", () => {
  const { code, stored } = codeWith()
  code.change("three()")
  code.change("one()\ntwo()")
  assert.deepEqual([code.isEdited, code.notice, stored()], [false, "", undefined])
})

test("the reader's edit comes back and says so, until it is reset", () => {
  const { code, stored } = codeWith({ own: script.replace("two", "three") })
  assert.equal(code.text, "one()\nthree()")
  assert.equal(code.notice, "This is your edit. Reset brings the original one back.")
  code.reset()
  assert.deepEqual([code.script, code.text, code.notice, stored()], [script, "one()\ntwo()", "", undefined])
})

test("a change takes the notice away", () => {
  const { code } = codeWith({ own: beyond })
  code.change(`${beyond}#`)
  assert.equal(code.notice, "")
})

test("an edit beyond the excerpt is shown whole", () => {
  const { code } = codeWith({ own: beyond })
  assert.deepEqual([code.text, code.firstLine, code.shown], [beyond, 1, undefined])
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
  code.change("three()")
  assert.equal(code.notice, "This browser keeps nothing: copy or share what you want to keep.")
  code.change("one()\ntwo()")
  assert.equal(code.notice, "")
})

test("what a link brought lies over the reader's edit and leaves it alone", () => {
  const own = script.replace("two", "mine")
  const { code, left, stored } = codeWith({ own })
  code.lend({ hash: snippet.hash, script: beyond })
  const back = "your own one back, as long as you change nothing here"
  assert.equal(code.notice, `This edit came with the link. Reset brings ${back}.`)
  assert.deepEqual([code.text, stored()?.script, left], [beyond, own, []])
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

test("a line of the script that ran is found in the text, through edits", () => {
  const { code } = codeWith()
  assert.equal(code.find({ line: 5, script }), 2)
  code.change("zero()\none()\ntwo()")
  assert.equal(code.find({ line: 5, script }), 3)
  code.turn()
  assert.equal(code.find({ line: 5, script }), 6)
  code.change(code.script.replace("two", "three"))
  assert.equal(code.find({ line: 5, script }), undefined)
})

for (const line of [2, 3, 6, 7])
  test(`line ${line}, which the excerpt leaves out, is revealed by the whole file`, () => {
    const { code } = codeWith()
    assert.equal(code.reveal({ line, script }), true)
    assert.deepEqual([code.text, code.find({ line, script })], [script, line])
  })

test("a line that is shown or gone reveals nothing", () => {
  const { code } = codeWith()
  code.change("one()\nthree()")
  for (const line of [4, 5]) assert.equal(code.reveal({ line, script }), false)
  assert.equal(code.text, "one()\nthree()")
  code.turn()
  for (const line of [1, 4, 7]) assert.equal(code.reveal({ line, script }), false)
  assert.equal(code.shown, undefined)
})
