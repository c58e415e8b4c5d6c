/** What a reader made of a snippet. */
export interface Edit {
  /** Of the snippet as it was then: another one means that it has changed since. */
  hash: string
  /** The whole script. */
  script: string
}

/** Keeps each block's edit in the reader's own browser, across reloads and pages. */
export class Edits {
  readonly #open: () => Storage

  /** `open` may throw, as a browser does that keeps nothing. */
  constructor(open: () => Storage) {
    this.#open = open
  }

  get(block: string): Edit | undefined {
    try {
      const kept: unknown = JSON.parse(this.#open().getItem(key(block)) ?? "null")
      return isEdit(kept) ? kept : undefined
    } catch {
      return undefined
    }
  }

  /** Returns whether it could be kept. */
  set(block: string, { hash, script }: Edit): boolean {
    try {
      this.#open().setItem(key(block), JSON.stringify({ hash, script }))
      return true
    } catch {
      return false
    }
  }

  delete(block: string): void {
    try {
      this.#open().removeItem(key(block))
    } catch {
      // nothing was kept
    }
  }
}

export function isEdit(value: unknown): value is Edit {
  if (typeof value !== "object" || value === null) return false
  const { hash, script } = value as Partial<Edit>
  return typeof hash === "string" && typeof script === "string"
}

function key(block: string): string {
  return `livedoc:${block}`
}
