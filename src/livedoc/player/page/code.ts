import type { Edit, Edits } from "./edits.ts"
import { numberOfHidden } from "./hidden.ts"
import { followed } from "./source.ts"

/** A snippet as its page has it. */
export interface Snippet {
  /** Its edit is stored under this. */
  name: string
  hash: string
  script: string
}

/** A line of a script as it was when it ran. */
export interface Place {
  line: number
  script: string
}

/** The code of a block: the script that runs, and where it came from. */
export class Code {
  readonly #snippet: Snippet
  readonly #edits: Edits
  readonly #leaveLink: () => void
  /** Whether a link brought the script and the reader has not changed it. */
  #isLent = false
  /** What runs. */
  script = ""
  /** What the reader should know of the script; empty for the original. */
  notice = ""

  /** `leaveLink` is called when the script that a link brought is given up. */
  constructor(snippet: Snippet, edits: Edits, leaveLink: () => void) {
    this.#snippet = snippet
    this.#edits = edits
    this.#leaveLink = leaveLink
    this.#restore()
  }

  get isEdited(): boolean {
    return this.script !== this.#snippet.script
  }

  /** Whether the script is there after a reload, whatever the address is. */
  get isSafe(): boolean {
    return this.script === (this.#own ?? this.#snippet).script
  }

  /** Takes over an edit that came with a link. It is the reader's once they change it. */
  lend(shared: Edit): void {
    const own = this.#own && "your own one back, as long as you change nothing here"
    this.#put(shared, "This edit came with the link", own)
    this.#isLent = true
  }

  /** Takes over what the reader made of the script, and stores it. */
  change(script: string): void {
    this.script = script
    this.#endLoan()
    const { name } = this.#snippet
    if (!this.isEdited) this.#edits.delete(name)
    const isStored = !this.isEdited || this.#edits.set(name, { ...this.#snippet, script })
    this.notice = isStored ? "" : "This browser keeps nothing: copy or share what you want to keep."
  }

  /** Discards what a link brought, or else the reader's own edit. */
  reset(): void {
    if (!this.#isLent) this.#edits.delete(this.#snippet.name)
    this.#endLoan()
    this.#restore()
  }

  /** The number of the line where a place is by now; undefined: it is gone. */
  find({ line, script }: Place): number | undefined {
    return followed(line, script, this.script)
  }

  get #own(): Edit | undefined {
    return this.#edits.get(this.#snippet.name)
  }

  /** Brings back the reader's own edit, or else the original. */
  #restore(): void {
    this.#put(this.#own ?? this.#snippet, this.#own ? "This is your edit" : "")
  }

  #put({ script, hash }: Edit, origin: string, below?: string): void {
    const isOld = hash !== this.#snippet.hash
    const age = isOld ? ", of an earlier version of this snippet" : ""
    this.notice = origin && `${origin}${age}. Reset brings ${below ?? `the ${isOld ? "new" : "original"} one back`}.`
    const hidden = numberOfHidden(script)
    if (this.notice && hidden)
      this.notice += ` Of its characters, ${hidden} can't be seen or reorder others: each is marked.`
    this.script = script
  }

  #endLoan(): void {
    if (this.#isLent) this.#leaveLink()
    this.#isLent = false
  }
}
