import assert from "node:assert/strict"
import { test } from "node:test"
import { loadPyodide } from "pyodide"
import type { Operation } from "../messages.ts"
import { FOLDER, readDisk, writeDisk } from "./disk.ts"
import { watchFor } from "./plug.ts"

// Writes aside and renames, as the storages do, and says in a `finally` that it went on.
const CAREFUL = `
import os
from pathlib import Path

def save(data):
    file = os.open("new.tmp", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(file, data)
        os.utime(file, (7, 7))
        os.close(file)
        Path("new.tmp").replace("record")
    finally:
        Path("went-on").touch()

def naive(data):
    Path("record").write_bytes(data)

Path("record").write_bytes(b"old")
Path("other").touch()
`
const python = await loadPyodide()

/** What is on the disk when this code is cut off there, and the path of the file; undefined: it ran to its end. */
function cut(code: string, operation: Operation): { path: string; files: Record<string, string> } | undefined {
  python.runPython(`import os, shutil\nos.chdir("/")\nshutil.rmtree("${FOLDER}", True)`)
  writeDisk(python.FS, [])
  python.FS.chdir(FOLDER)
  python.runPython(CAREFUL)
  let found: { path: string; files: Record<string, string> } | undefined
  const unwatch = watchFor(python.FS, operation, (path) => {
    const files = readDisk(python.FS).map(({ path, content }) => [
      path,
      new TextDecoder().decode(content as Uint8Array),
    ])
    found ??= { path, files: Object.fromEntries(files) as Record<string, string> }
    // In a worker it never returns. Here it has to, and the first look counts.
    return undefined as never
  })
  python.runPython(code)
  unwatch()
  return found
}

const old = { "/record": "old", "/other": "" }

for (const [operation, path, files] of [
  ["open", "new.tmp", old],
  ["write", "new.tmp", { ...old, "/new.tmp": "" }],
  ["utime", "new.tmp", { ...old, "/new.tmp": "new" }],
  ["rename", "new.tmp", { ...old, "/new.tmp": "new" }],
] as const)
  test(`a careful write that is cut off before ${operation} leaves the old record`, () => {
    assert.deepEqual(cut('save(b"new")', operation), { path, files })
  })

test("a naive write that is cut off before it writes has emptied the record", () => {
  assert.deepEqual(cut('naive(b"new")', "open")?.files, old)
  assert.deepEqual(cut('naive(b"new")', "write"), { path: "record", files: { ...old, "/record": "" } })
})

test("a removal is cut off before it happens", () => {
  assert.deepEqual(cut('Path("other").unlink()', "remove"), { path: "other", files: old })
})

test("what only reads, and what happens elsewhere, is not cut off", () => {
  const code = `
os.utime("/tmp", (1, 1))
Path("/tmp/elsewhere").write_bytes(b"a")
Path("/tmp/elsewhere").rename("/tmp/there")
Path("/tmp/there").unlink()
print("printed", Path("record").read_bytes())
`
  for (const operation of ["open", "write", "utime", "rename", "remove"] as const)
    assert.equal(cut(code, operation), undefined)
})

test("what is no longer watched goes on as before", () => {
  const { open, write } = python.FS
  cut("", "write")
  assert.equal(python.FS.open, open)
  assert.equal(python.FS.write, write)
})
