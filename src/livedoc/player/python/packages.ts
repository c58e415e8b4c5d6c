import { unzipSync } from "fflate"
import type { Lockfile, PyodideAPI } from "pyodide"

/** The content of one of the runtime's files. */
export type Load = (path: string) => Promise<Uint8Array>

/**
 * The packages that scripts may import: they come while Python starts. Pyodide's own way fetches them only then, and has
 * Python unpack them, which takes about a tenth of a second more.
 */
export class Packages {
  readonly #folder: string
  readonly #locked: Lockfile["packages"]
  readonly #load: Load
  readonly #wheels = new Map<string, Promise<Uint8Array>>()
  readonly #installed = new Map<string, Promise<void>>()

  constructor(lock: Lockfile, load: Load) {
    const [major, minor] = lock.info.python.split(".")
    this.#folder = `/lib/python${major}.${minor}/site-packages`
    this.#locked = lock.packages
    this.#load = load
  }

  get names(): string[] {
    return Object.keys(this.#locked).sort()
  }

  /** Begins to fetch what a script seems to import. Whether it does, Python will say. */
  expect(source: string): void {
    const seems = (module: string) => new RegExp(`^\\s*(from|import)\\s+${module}\\b`, "m").test(source)
    for (const name of this.#needed(seems)) this.#wheel(name).catch(() => undefined) // its installation will tell
  }

  /** Makes importable what a script imports. Whether there was anything to do. */
  async install(pyodide: PyodideAPI, source: string): Promise<boolean> {
    const found = pyodide.pyodide_py.code.find_imports(source)
    const modules = found.toJs() as string[]
    found.destroy()
    const needed = [...this.#needed((module) => modules.includes(module))]
    const missing = needed.some((name) => !this.#installed.has(name))
    await Promise.all(needed.map((name) => this.#install(pyodide, name)))
    return missing
  }

  #install(pyodide: PyodideAPI, name: string): Promise<void> {
    const installed =
      this.#installed.get(name) ?? this.#wheel(name).then((wheel) => unpack(pyodide, this.#folder, wheel))
    this.#installed.set(name, installed)
    return installed
  }

  #wheel(name: string): Promise<Uint8Array> {
    const wheel = this.#wheels.get(name) ?? this.#load(this.#locked[name]?.file_name ?? name)
    this.#wheels.set(name, wheel)
    return wheel
  }

  /** The packages with these modules, and all that they depend on. */
  #needed(wanted: (module: string) => boolean): Set<string> {
    const needed = new Set<string>()
    const add = (name: string) => {
      if (needed.has(name)) return
      needed.add(name)
      this.#locked[name]?.depends.forEach(add)
    }
    for (const [name, { imports }] of Object.entries(this.#locked)) if (imports.some(wanted)) add(name)
    return needed
  }
}

/** Puts the files of a wheel where Python looks for packages, loads what is compiled, and has Python look again. */
async function unpack(pyodide: PyodideAPI, folder: string, wheel: Uint8Array): Promise<void> {
  const { FS } = pyodide
  const { loadDynlib } = Reflect.get(pyodide, "_api") as { loadDynlib(path: string): Promise<void> }
  const compiled: string[] = []
  for (const [path, content] of Object.entries(unzipSync(wheel))) {
    if (path.endsWith("/")) continue
    const [, parent = "", name = path] = /^(.*)\/(.*)$/.exec(path) ?? []
    FS.mkdirTree(`${folder}/${parent}`)
    FS.createDataFile(`${folder}/${parent}`, name, content, true, true, true)
    if (name.endsWith(".so")) compiled.push(`${folder}/${path}`)
  }
  for (const library of compiled) await loadDynlib(library)
  const sys = pyodide.pyimport("sys")
  sys.path_importer_cache.pop(folder, undefined)
  sys.destroy()
}
