import assert from "node:assert/strict"
import { test } from "node:test"
import type { Answer, Disk, Header, Store, Watched } from "../messages.ts"
import { fileNews, storeOn, storeView } from "./changes.ts"
import type { Hop } from "./visit.ts"

const file = (path: string) => ({ path, size: 1, head: new Uint8Array([65]), seconds: 0 })
const store = (paths: string[], watched: Watched[] = []): Store => ({ files: paths.map(file), unlisted: 0, watched })
const answer = (store: Store, changed: string[] = [], removed: string[] = []) => {
  return { store, changed, removed } as unknown as Answer
}
const marks = (view: ReturnType<typeof storeView>) => view.files.map(({ file, mark }) => `${file.path} ${mark}`)
const mapping = (...rows: Header[]): Watched => ({ expression: "visits", text: "", rows })

test("a file that a request wrote is new at first and changed later, and the others aren't marked", () => {
  const first = store(["a"])
  assert.deepEqual(marks(storeView(answer(first, ["a"]), undefined)), ["a new"])
  const view = storeView(answer(store(["a", "b", "c"]), ["a", "b"], ["old"]), store(["a", "c"]))
  assert.deepEqual(marks(view), ["a changed", "b new", "c "])
  assert.deepEqual(view.removed, ["old"])
})

test("of a mapping, each row is marked by itself", () => {
  const now = store([], [mapping(["ada", "2"], ["bob", "1"], ["cy", "1"])])
  const [view] = storeView(answer(now), store([], [mapping(["ada", "1"], ["cy", "1"])])).watched
  assert.deepEqual(
    view?.rows?.map(({ name, mark }) => [name, mark]),
    [
      ["ada", "changed"],
      ["bob", "new"],
      ["cy", ""],
    ],
  )
  const [first] = storeView(answer(now), undefined).watched
  assert.deepEqual(
    first?.rows?.map(({ mark }) => mark),
    ["new", "new", "new"],
  )
})

test("a value that is no mapping is marked once it is another one", () => {
  const value = (text: string): Watched => ({ expression: "count", text, rows: undefined })
  const mark = (now: string, before?: string) => {
    return storeView(answer(store([], [value(now)])), before === undefined ? undefined : store([], [value(before)]))
      .watched[0]?.mark
  }
  assert.deepEqual([mark("1"), mark("1", "1"), mark("2", "1")], ["", "", "changed"])
})

test("what requests did to the files is said once, in a sentence", () => {
  const hop = (changed: string[], removed: string[]) =>
    ({ answer: answer(store([]), changed, removed) }) as unknown as Hop
  assert.deepEqual(fileNews([hop([], [])]), [])
  assert.deepEqual(fileNews([hop(["a"], []), hop(["a"], [])]), ["The server wrote 1 file."])
  assert.deepEqual(fileNews([hop(["a", "b"], ["c"])]), ["The server wrote 2 files.", "The server removed 1 file."])
})

test("while there is no Python, the disk is shown: its first files, how many more there are, and the beginning of each", () => {
  const entry = (path: string, content: Disk[number]["content"]) => {
    return { path, mode: 0o600, milliseconds: 7000, content }
  }
  const paths = Array.from({ length: 32 }, (_, index) => `/sessions/${index}`)
  const { files, unlisted, watched } = storeOn([
    entry("/sessions", undefined),
    entry("/link", "sessions"),
    ...paths.map((path) => entry(path, new Uint8Array(5000))),
  ])
  assert.equal(files.length, 30)
  const [first] = files
  assert.deepEqual([first?.path, first?.size, first?.head.length, first?.seconds], ["sessions/0", 5000, 4096, 7])
  assert.deepEqual([unlisted, watched], [2, []])
  assert.equal(storeOn([entry("/a", new Uint8Array())]).unlisted, 0)
})
