import assert from "node:assert/strict"
import { before, mock, test } from "node:test"
import { zipSync } from "fflate"
import { loadPyodide, type Lockfile, type PyodideAPI } from "pyodide"
import { Library } from "./library.ts"
import { Packages } from "./packages.ts"

// What each package needs. It has one module.
const DEPENDS = { web: ["events"], events: ["typing-more"], "typing-more": [], alone: [], late: [], other: [] }

let python: PyodideAPI
before(async () => {
  python = await loadPyodide()
})

function lock(): Lockfile {
  const packages = Object.entries(DEPENDS).map(([name, depends]) => [
    name,
    { name, depends, imports: [module(name)], file_name: `${name}.whl`, version: "1", install_dir: "site", sha256: "" },
  ])
  return { ...python.lockfile, packages: Object.fromEntries(packages) as Lockfile["packages"] }
}

function module(name: string): string {
  return name.replace("-", "_")
}

function wheel(file: string): Uint8Array {
  const name = module(file.replace(".whl", ""))
  const text = new TextEncoder()
  const files = { __init__: `from ${name} import inner as inner`, inner: "there = True" }
  const content = Object.entries(files).map(([part, source]) => [`${name}/${part}.py`, text.encode(source)])
  return zipSync(Object.fromEntries([[`${name}/`, new Uint8Array()], ...content]), { level: 0 })
}

/** Packages, and the files that they have asked for: wheels, and the part of the library that `web` and `csv` need. */
function opened(
  load = async (file: string) => (file === "part" ? new Uint8Array() : wheel(file)),
): [Packages, string[]] {
  const asked: string[] = []
  const noted = (file: string) => {
    asked.push(file)
    return load(file)
  }
  const parts = [{ file_name: "part", imports: ["csv"], packages: ["web"] }]
  const runtime: Runtime = { core: "", parts, lock: lock(), sizes: {} }
  const library = new Library(runtime, { load: noted, loadNow: () => assert.fail() })
  const packages = new Packages(lock(), library, noted)
  return [packages, asked]
}

function imported(name: string): unknown {
  return python.runPython(`
import importlib, sys
result = importlib.import_module("${name}").inner.there
for found in [key for key in sys.modules if key.split(".")[0] == "${name}"]: del sys.modules[found]
result`)
}

for (const source of ["import web", "  import web as w", "x = 1\nfrom web import thing", "from web.parts import thing"])
  test(`what ${JSON.stringify(source)} seems to import begins to come, with what that needs`, () => {
    const [packages, asked] = opened()
    packages.expect(source)
    assert.deepEqual(asked.sort(), ["events.whl", "part", "typing-more.whl", "web.whl"])
  })

for (const source of ["import website", "# web", "print('import web')", "import importlib", ""])
  test(`nothing comes for ${JSON.stringify(source)}`, async () => {
    const [packages, asked] = opened()
    packages.expect(source)
    await packages.install(python, source)
    assert.deepEqual(asked, [])
  })

test("what a script imports can be imported, and each wheel comes once however many ask at once", async () => {
  const [packages, asked] = opened()
  packages.expect("import web")
  await Promise.all([packages.install(python, "import web"), packages.install(python, "if 1: import web")])
  await packages.install(python, "import events")
  assert.deepEqual(asked.sort(), ["events.whl", "part", "typing-more.whl", "web.whl"])
  for (const name of ["web", "events", "typing_more"]) assert.equal(imported(name), true)
})

test("what there is to do for a script is told, and a part of the library comes with it", async () => {
  const [packages, asked] = opened()
  assert.equal(await packages.install(python, "import csv"), false)
  assert.deepEqual(asked, ["part"])
  assert.equal(await packages.install(python, "import other"), true)
  assert.equal(await packages.install(python, "import other"), false)
})

test("a package is found even if Python has looked in vain in the same millisecond", async () => {
  mock.timers.enable({ apis: ["Date"], now: Date.now() })
  const [packages] = opened()
  for (const source of ["import alone", "import late"]) {
    await packages.install(python, source) // the folder is there from the first on
    const found = "import importlib.util; importlib.util.find_spec('late') is not None"
    assert.equal(python.runPython(found), source === "import late")
  }
  mock.timers.reset()
})

test("a wheel that does not come is an error for the programs that need it and for nobody else", async () => {
  const [packages] = opened(() => Promise.reject(new Error("no network")))
  packages.expect("import web")
  await new Promise(setImmediate) // what nobody has caught by now is a failure of the test
  await packages.install(python, "import os")
  await assert.rejects(packages.install(python, "import web"), /no network/)
})

test("what isn't Python imports nothing, and says so when it runs", async () => {
  const [packages, asked] = opened()
  await packages.install(python, "import web\n)")
  assert.deepEqual(asked, [])
})
