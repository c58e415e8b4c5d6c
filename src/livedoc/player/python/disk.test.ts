import assert from "node:assert/strict"
import { test } from "node:test"
import { loadPyodide } from "pyodide"
import { FOLDER, readDisk, writeDisk } from "./disk.ts"

const WRITE = `
import os
from pathlib import Path

Path("sessions/old").mkdir(parents=True, mode=0o700)
Path("empty").mkdir()
Path("sessions/a").write_bytes(bytes(range(256)) * 40)
Path("sessions/none").touch(0o600)
Path("sessions/link").symlink_to("a")
Path("nowhere").symlink_to("/not/there")
for path in ("sessions/a", "empty", "sessions"):
    os.utime(path, (7, 7.5))
`
const LIST = `
import json, os
json.dumps({
    path: [oct(os.lstat(path).st_mode), os.readlink(path) if os.path.islink(path) else os.lstat(path).st_mtime]
    for folder, folders, files in os.walk(".") for path in (os.path.join(folder, name) for name in folders + files)
}, sort_keys=True)
`

test("a disk that was read and put back in another Python is the same", async () => {
  const [one, other] = await Promise.all([loadPyodide(), loadPyodide()])
  writeDisk(one.FS, [])
  one.FS.chdir(FOLDER)
  one.runPython(WRITE)
  const disk = readDisk(one.FS)
  assert.deepEqual(
    disk.map(({ path }) => path),
    ["/empty", "/nowhere", "/sessions", "/sessions/a", "/sessions/link", "/sessions/none", "/sessions/old"],
  )
  one.runPython('open("sessions/a", "wb").close()') // the disk is what it was
  writeDisk(other.FS, structuredClone(disk))
  other.FS.chdir(FOLDER)
  const [before, after] = [one, other].map((python) => JSON.parse(python.runPython(LIST) as string) as object)
  delete (before as Record<string, unknown>)["./sessions/a"]
  assert.deepEqual((after as Record<string, unknown>)["./sessions/a"], ["0o100666", 7.5])
  delete (after as Record<string, unknown>)["./sessions/a"]
  assert.deepEqual(after, before)
  assert.equal(other.runPython('open("sessions/link", "rb").read() == bytes(range(256)) * 40'), true)
})
