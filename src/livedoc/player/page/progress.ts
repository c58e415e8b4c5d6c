/** Keeps which steps of a lesson a reader has done, in their own browser. */
export class Progress {
  readonly #open: () => Storage
  readonly #key: string

  /** `open` may throw, as a browser does that keeps nothing. */
  constructor(open: () => Storage, lesson: string) {
    this.#open = open
    this.#key = `livedoc-steps:${lesson}`
  }

  /** What was kept, as far as `known` has it still: a lesson may have changed since. */
  get(known: readonly string[]): string[] {
    try {
      const kept: unknown = JSON.parse(this.#open().getItem(this.#key) ?? "[]")
      return Array.isArray(kept) ? known.filter((step) => kept.includes(step)) : []
    } catch {
      return []
    }
  }

  set(done: readonly string[]): void {
    try {
      if (done.length > 0) this.#open().setItem(this.#key, JSON.stringify(done))
      else this.#open().removeItem(this.#key)
    } catch {
      // it counts until the reader leaves the page
    }
  }
}
