import type { PyodideAPI } from "pyodide"
import type { PyProxy } from "pyodide/ffi"

/** How files of the runtime are had: while other work goes on, or at once. */
export interface Source {
  load(path: string): Promise<Uint8Array>
  loadNow(path: string): Uint8Array
}

/** The module library.py. */
interface LibraryModule extends PyProxy {
  import_from_parts(archive: string, extend: (part: number) => string | undefined): void
}

/**
 * The standard library. Python starts with the first part of its archive; the others are appended when a program needs
 * them. What is appended stays, also where Python's memory is put back.
 */
export class Library {
  readonly #parts: readonly Part[]
  readonly #source: Source
  readonly #archive: string
  readonly #coming = new Map<Part, Promise<Uint8Array>>()
  #appended = 0
  #append: (content: Uint8Array) => void = () => undefined

  constructor({ parts, lock }: Runtime, source: Source) {
    const [major, minor] = lock.info.python.split(".")
    this.#archive = `/lib/python${major}${minor}.zip`
    this.#parts = parts
    this.#source = source
  }

  /** Lets programs import all of the library. `extended` is called with the archive's path each time it has been. */
  open(pyodide: PyodideAPI, extended: (archive: string) => void = () => undefined): void {
    if (this.#parts.length === 0) return
    const { FS } = pyodide
    this.#append = (content) => {
      const stream = FS.open(this.#archive, "a")
      FS.write(stream, content, 0, content.length)
      FS.close(stream)
      this.#appended++
      extended(this.#archive)
    }
    const module = pyodide.pyimport("_livedoc.library") as LibraryModule
    module.import_from_parts(this.#archive, (part) => this.#extendNow(part))
    module.destroy()
  }

  /** How many parts a program needs that has `modules` or imports `packages`. */
  needed(imports: (module: string) => boolean, packages: ReadonlySet<string>): number {
    const isNeeded = (part: Part) => part.imports.some(imports) || part.packages.some((name) => packages.has(name))
    return this.#parts.reduce((number, part, index) => (isNeeded(part) ? index + 1 : number), 0)
  }

  /** Begins to fetch the parts up to this number. */
  expect(number: number): void {
    for (const part of this.#parts.slice(0, number)) this.#content(part).catch(() => undefined) // `extend` will tell
  }

  /** Appends the parts up to this number. */
  async extend(number: number): Promise<void> {
    this.expect(number)
    for (const part of this.#parts.slice(this.#appended, number)) {
      const content = await this.#content(part)
      if (part === this.#parts[this.#appended]) this.#append(content) // nobody else has
    }
  }

  /** Does so at once. Why it can't, if it can't: the next call tries again. */
  #extendNow(number: number): string | undefined {
    try {
      for (const part of this.#parts.slice(this.#appended, number)) {
        this.#append(this.#source.loadNow(part.file_name))
      }
    } catch (error) {
      return String(error instanceof Error ? error.message : error)
    }
    return undefined
  }

  #content(part: Part): Promise<Uint8Array> {
    const coming = this.#coming.get(part) ?? this.#source.load(part.file_name)
    this.#coming.set(part, coming)
    return coming
  }
}
