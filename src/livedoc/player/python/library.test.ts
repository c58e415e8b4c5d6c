import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { test } from "node:test"
import { loadPyodide, type Lockfile, type PyodideAPI } from "pyodide"
import { Checkpoint } from "./checkpoint.ts"
import { Library } from "./library.ts"

const HOME = "/lib/python3.14/site-packages/_livedoc"
// Continues the archive of the standard library with parts. Each module says which part it is in.
const MAKE = `
import io, os, zipfile
def make(*parts):
    with open("/lib/python314.zip", "rb") as file:
        archive = io.BytesIO(file.read())
    for number, names in enumerate(parts, 1):
        begin = len(archive.getvalue())
        with zipfile.ZipFile(archive, "a") as growing:
            growing.start_dir = begin
            for name in names.split():
                growing.writestr(name.replace(".", "/") + ".py", f"part = {number}")
        with open(f"/part{number}", "wb") as file:
            file.write(archive.getvalue()[begin:])
make`
const PARTS = ["first json.late", "second", "third"]

const parts = [
  { file_name: "part1", imports: ["first"], packages: [] },
  { file_name: "part2", imports: ["second"], packages: ["web"] },
  { file_name: "part3", imports: [], packages: [] },
]
const info: Lockfile["info"] = { abi_version: "", arch: "wasm32", platform: "", version: "0", python: "3.14.2" }
const runtime: Runtime = { core: "", parts, lock: { info, packages: {} }, sizes: {} }

/** Python with a library of four parts, of which it has one; `asked` gets the others as they are fetched at once. */
async function opened(fetched: (file: string) => void = () => undefined) {
  const python = await loadPyodide()
  python.FS.mkdirTree(HOME)
  python.FS.writeFile(`${HOME}/__init__.py`, "")
  python.FS.writeFile(`${HOME}/library.py`, readFileSync(new URL("library.py", import.meta.url)))
  python.FS.writeFile(`${HOME}/parts.txt`, PARTS.join("\n"))
  python.runPython(MAKE)(...PARTS)
  const asked: string[] = []
  const content = (file: string) => python.FS.readFile(`/${file}`) as Uint8Array
  const source = {
    async load(file: string) {
      asked.push(`${file} ahead`)
      fetched(file)
      return content(file)
    },
    loadNow(file: string) {
      asked.push(file)
      fetched(file)
      return content(file)
    },
  }
  return { python, library: new Library(runtime, source), asked }
}

function part(python: PyodideAPI, name: string): unknown {
  return python.runPython(`import importlib\nimportlib.import_module("${name}").part`)
}

test("a module comes when it's imported, after the parts before its own, and each part once", async () => {
  const { python, library, asked } = await opened()
  library.open(python)
  python.runPython("import importlib.util as util, json, csv")
  assert.deepEqual(asked, [])
  assert.equal(python.runPython("util.find_spec('nowhere')"), undefined)
  python.runPython("open('/lib/python3.14/site-packages/third.py', 'w').write('part = 0')")
  assert.equal(part(python, "third"), 0) // found elsewhere
  assert.deepEqual(asked, [])
  assert.equal(part(python, "second"), 2)
  assert.deepEqual(asked, ["part1", "part2"])
  assert.equal(part(python, "json.late"), 1)
  assert.equal(part(python, "first"), 1)
})

test("what doesn't come is an ImportError that says why, and the next import tries again", async () => {
  let online = false
  const { python, library, asked } = await opened(() => assert.ok(online, "no network"))
  library.open(python)
  const said = "try: import third\nexcept ImportError as error: said = error.name + ': ' + str(error)\nsaid"
  for (let turn = 0; turn < 2; turn++) assert.match(python.runPython(said) as string, /^third: third .*network.*reload/)
  assert.deepEqual(asked, ["part1", "part1"])
  online = true
  assert.equal(part(python, "third"), 3)
})

test("what has come stays where Python is put back", async () => {
  const { python, library, asked } = await opened()
  const checkpoint = new Checkpoint(python)
  library.open(python, (archive) => checkpoint.accept(archive))
  checkpoint.take()
  for (let turn = 0; turn < 3; turn++) {
    assert.equal(part(python, "second"), 2)
    assert.ok(checkpoint.restore())
    assert.equal(python.runPython("import sys\n'second' in sys.modules"), false)
    assert.ok(checkpoint.restore())
  }
  assert.deepEqual(asked, ["part1", "part2"])
  python.runPython("import third\nopen('/lib/python314.zip', 'ab').write(b'x')")
  assert.equal(checkpoint.restore(), false)
})

test("parts that are asked for ahead come once, in their order, and are not asked for again", async () => {
  const { python, library, asked } = await opened()
  library.open(python)
  library.expect(1)
  await Promise.all([library.extend(2), library.extend(1), library.extend(2)])
  for (const [name, number] of [
    ["first", 1],
    ["second", 2],
  ] as const)
    assert.equal(part(python, name), number)
  assert.deepEqual(asked, ["part1 ahead", "part2 ahead"])
  assert.equal(part(python, "third"), 3)
})

test("a part that does not come ahead is an error for those who need it and for nobody else", async () => {
  const { python, library } = await opened(() => assert.fail("no network"))
  library.open(python)
  library.expect(2)
  await new Promise(setImmediate) // what nobody has caught by now is a failure of the test
  await library.extend(0)
  await assert.rejects(library.extend(1), /no network/)
})

for (const [module, name, number] of [
  ["first", "", 1],
  ["second", "", 2],
  ["", "web", 2],
  ["first", "web", 2],
  ["json", "alone", 0],
] as const)
  test(`a program with ${module || "no module"} and ${name || "no package"} needs ${number} parts`, () => {
    const library = new Library(runtime, { load: () => assert.fail(), loadNow: () => assert.fail() })
    assert.equal(
      library.needed((each) => each === module, new Set([name])),
      number,
    )
  })
