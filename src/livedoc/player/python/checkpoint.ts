import type { PyodideAPI } from "pyodide"

/** Memory that a program may have made Python take, in bytes. More is given back, with all of Python. */
const MOST = 256 * 1024 * 1024

type Schedule = (callback: () => void, milliseconds?: number) => void

/** What of a file tells that it has changed. */
interface Node {
  name: string
  mode: number
  usedBytes: number
  mtime: number
  contents: unknown
}

interface Stream {
  fd: number | null
}

/** A piece of Python's memory. */
interface Part {
  begin: number
  bytes: Uint8Array
}

/** Pyodide's inner parts. They are those of the pinned version, and the tests say when they have changed. */
interface Inside {
  HEAPU8: Uint8Array
  _sbrk(increment: number): number
  _emscripten_stack_get_end(): number
  _emscripten_stack_get_current(): number
  FS: {
    root: Node
    streams: (Stream | null | undefined)[]
    cwd(): string
    chdir(path: string): void
    close(stream: Stream): void
    isDir(mode: number): boolean
  }
  LDSO: { loadedLibsByName: Record<string, unknown> }
  finalizationRegistry: Registry
  __hiwire_get(index: number): unknown
  __hiwire_set(index: number, value: unknown): number
  __hiwire_immortal_get(index: number): unknown
}

interface Registry {
  register(target: object, held: unknown, token: object): void
  unregister(token: object): void
}

/**
 * Python as it was at one moment: its memory, which holds all that a program can change in it, and what of it JavaScript
 * keeps: open files, the working directory, and the objects that Python refers to.
 */
export class Checkpoint {
  readonly #inside: Inside
  readonly #pointers: Pointers
  #memory: readonly Part[] = []
  #references: unknown[] = []
  #numbers: [Map<unknown, unknown>, [unknown, unknown][]][] = []
  #streams: Inside["FS"]["streams"] = []
  #folder = "/"
  #disk = new Map<string, string>()
  #libraries = ""

  constructor(pyodide: PyodideAPI) {
    this.#inside = Reflect.get(pyodide, "_module") as Inside
    this.#pointers = new Pointers(this.#inside.finalizationRegistry)
    this.#inside.finalizationRegistry = this.#pointers
    const loop = pyodide.pyimport("pyodide.webloop")
    loop.scheduleCallback = this.#pointers.guard(loop.scheduleCallback as Schedule)
    loop.destroy()
  }

  /** No Python may be running. */
  take(): void {
    const { FS } = this.#inside
    this.#memory = held(this.#inside)
    this.#references = [...entries((index) => this.#inside.__hiwire_get(index))]
    const maps = [...entries((index) => this.#inside.__hiwire_immortal_get(index))].filter(
      (each) => each instanceof Map,
    )
    this.#numbers = maps.map((map) => [map, [...map]])
    this.#streams = [...FS.streams]
    this.#folder = FS.cwd()
    this.#disk = disk(this.#inside)
    this.#libraries = Object.keys(this.#inside.LDSO.loadedLibsByName).join()
    this.#pointers.keep()
  }

  /** Whatever has been done to this file, the program didn't do it: it stays. */
  accept(path: string): void {
    const now = disk(this.#inside).get(path)
    if (now !== undefined) this.#disk.set(path, now)
  }

  /** Puts Python back. False if that can't be done, and Python has to start again. No Python may be running. */
  restore(): boolean {
    const { HEAPU8, FS, LDSO } = this.#inside
    const loose = this.#pointers.drop()
    for (const stream of [...FS.streams]) {
      if (stream && !this.#streams.includes(stream)) FS.close(stream)
    }
    FS.streams.splice(0, Infinity, ...this.#streams)
    for (const [number, stream] of this.#streams.entries()) if (stream) stream.fd = number
    FS.chdir(this.#folder)
    if (loose || HEAPU8.length > MOST || Object.keys(LDSO.loadedLibsByName).join() !== this.#libraries) return false
    if (!equal(disk(this.#inside), this.#disk)) return false
    let end = 0
    for (const { begin, bytes } of this.#memory) {
      HEAPU8.set(bytes, begin)
      end = begin + bytes.length
    }
    HEAPU8.fill(0, end)
    for (const [index, value] of this.#references.entries()) this.#inside.__hiwire_set(index, value)
    for (const [map, numbers] of this.#numbers) {
      map.clear()
      for (const [value, number] of numbers) map.set(value, number)
    }
    return true
  }
}

/** Stands between Pyodide and what of JavaScript points into Python's memory, which is not to be followed once that has been put back. */
class Pointers implements Registry {
  readonly #registry: Registry
  readonly #made = new Set<object>()
  #timers = new Set<() => void>()

  constructor(registry: Registry) {
    this.#registry = registry
  }

  register(target: object, held: unknown, token: object): void {
    this.#made.add(token)
    this.#registry.register(target, held, token)
  }

  unregister(token: object): void {
    this.#made.delete(token)
    this.#registry.unregister(token)
  }

  guard(schedule: Schedule): Schedule {
    return (callback, milliseconds) => {
      const timers = this.#timers.add(callback)
      schedule(() => {
        if (timers.delete(callback) && timers === this.#timers) callback()
      }, milliseconds)
    }
  }

  /** What there is will stay valid. */
  keep(): void {
    this.#made.clear()
  }

  /** Lets go of what has been made since. Whether something of it could still be followed. */
  drop(): boolean {
    let loose = false
    for (const token of this.#made) {
      this.#registry.unregister(token)
      loose ||= !this.#timers.has(token as () => void)
    }
    this.#made.clear()
    this.#timers = new Set()
    return loose
  }
}

/**
 * What there is in Python's memory: the static data, and what is on the stack and the heap. The stack grows down from the
 * heap, and most of it is never used: to copy that too would take twice as long.
 */
function held({ HEAPU8, _sbrk, _emscripten_stack_get_end, _emscripten_stack_get_current }: Inside): Part[] {
  const places = [
    [0, _emscripten_stack_get_end()],
    [_emscripten_stack_get_current(), _sbrk(0)],
  ] as const
  return places.map(([begin, end]) => ({ begin, bytes: HEAPU8.slice(begin, end) }))
}

function* entries(get: (index: number) => unknown): Generator {
  for (let index = 0; ; index++) {
    try {
      yield get(index)
    } catch {
      return
    }
  }
}

/** What tells of each file that it has changed. */
function disk({ FS }: Inside): Map<string, string> {
  const files = new Map<string, string>()
  const look = (node: Node, path: string) => {
    const isFolder = FS.isDir(node.mode)
    files.set(path, `${node.mode}${isFolder ? "" : ` ${node.usedBytes} ${node.mtime}`}`)
    if (isFolder) for (const inner of Object.values(node.contents ?? {}) as Node[]) look(inner, `${path}/${inner.name}`)
  }
  look(FS.root, "")
  return files
}

function equal(one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): boolean {
  return one.size === other.size && [...one].every(([key, value]) => other.get(key) === value)
}
