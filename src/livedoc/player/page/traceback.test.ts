import assert from "node:assert/strict"
import { test } from "node:test"
import { pieces } from "./traceback.ts"

const traceback = `Traceback (most recent call last):
  File "a/b.py", line 12, in <module>
    asyncio.run(main())
  File "a/b.py", line 7, in main
    open("File \\"a/b.py\\", line x")
KeyError: 'coat'
`

test("each place in the script can be gone to, and no text is lost", () => {
  const cut = pieces(traceback, "a/b.py")
  assert.equal(cut.map((piece) => (typeof piece === "string" ? piece : piece.text)).join(""), traceback)
  assert.deepEqual(
    cut.flatMap((piece) => (typeof piece === "string" ? [] : piece.line)),
    [12, 7],
  )
})

test("a place in another file is plain text", () => {
  assert.deepEqual(pieces(traceback, "b.py"), [traceback])
})
