import { unzipSync } from "fflate"
import type { Lockfile, PyodideAPI } from "pyodide"
import type { Library, Source } from "./library.ts"

const READ_ONLY = 0o100555 // a file

/** A folder of Emscripten's. By a path, it would be looked up four times for each file. */
interface Folder {
  node_ops: { mknod(parent: Folder, name: string, mode: number, device: number): object }
}

/**
 * What scripts may import, packages and parts of the standard library: it comes while Python starts. Pyodide's own way
 * fetches packages only then, and has Python unpack them, which takes about a tenth of a second more.
 */
export class Packages {
  readonly #folder: string
  readonly #locked: Lockfile["packages"]
  readonly #library: Library
  readonly #load: Source["load"]
  readonly #wheels = new Map<string, Promise<Uint8Array>>()
  readonly #installed = new Map<string, Promise<void>>()

  constructor(lock: Lockfile, library: Library, load: Source["load"]) {
    const [major, minor] = lock.info.python.split(".")
    this.#folder = `/lib/python${major}.${minor}/site-packages`
    this.#locked = lock.packages
    this.#library = library
    this.#load = load
  }

  get names(): string[] {
    return Object.keys(this.#locked).sort()
  }

  /** Begins to fetch what a script seems to import. Whether it does, Python will say. */
  expect(source: string): void {
    const seems = (module: string) => new RegExp(`^\\s*(from|import)\\s+${module}\\b`, "m").test(source)
    const needed = this.#needed(seems)
    for (const name of needed) this.#wheel(name).catch(() => undefined) // its installation will tell
    this.#library.expect(this.#library.needed(seems, needed))
  }

  /** Makes importable what a script imports. Whether there was anything to do. */
  async install(pyodide: PyodideAPI, source: string): Promise<boolean> {
    const found = pyodide.pyodide_py.code.find_imports(source)
    const modules = found.toJs() as string[]
    found.destroy()
    const isImported = (module: string) => modules.includes(module)
    const needed = this.#needed(isImported)
    const missing = [...needed].filter((name) => !this.#installed.has(name))
    const library = this.#library.extend(this.#library.needed(isImported, needed))
    await Promise.all([library, ...Array.from(needed, (name) => this.#install(pyodide, name))])
    return missing.length > 0
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
  const parents: Record<string, Folder> = {}
  const compiled: string[] = []
  for (const [inside, contents] of Object.entries(unzipSync(wheel))) {
    const path = `${folder}/${inside}`
    const [, place = "", name] = /(.*)\/(.*)/.exec(path) ?? []
    const parent = (parents[place] ??= made(FS, place))
    if (!name) continue
    Object.assign(parent.node_ops.mknod(parent, name, READ_ONLY, 0), { contents, usedBytes: contents.length })
    if (name.endsWith(".so")) compiled.push(path)
  }
  for (const library of compiled) await loadDynlib(library)
  const sys = pyodide.pyimport("sys")
  sys.path_importer_cache.pop(folder, undefined)
  sys.destroy()
}

function made(FS: PyodideAPI["FS"], path: string): Folder {
  FS.mkdirTree(path)
  return FS.lookupPath(path, {}).node as unknown as Folder
}
