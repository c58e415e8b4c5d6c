import type { Edit, Edits } from "./edits.ts"
import { type Excerpt, excerpt, followed, moved, splice } from "./source.ts"

/** A snippet as its page has it. */
export interface Snippet {
  /** Its edit is stored under this. */
  name: string
  hash: string
  script: string
  /** The lines that a reader sees first. */
  excerpt: Excerpt
}

/** A line of a script as it was when it ran. */
export interface Place {
  line: number
  script: string
}

/** The code of a block: the script that runs, where it came from, and which lines of it are shown. */
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
  /** The lines that are shown; undefined: the whole file. */
  shown: Excerpt | undefined

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

  /** What of the script is shown. */
  get text(): string {
    return this.shown ? excerpt(this.script, this.shown) : this.script
  }

  /** The number, in the script, of the first line that is shown. */
  get firstLine(): number {
    return this.shown?.first ?? 1
  }

  /** Takes over an edit that came with a link. It is the reader's once they change it. */
  lend(shared: Edit): void {
    const own = this.#own && "your own one back, as long as you change nothing here"
    this.#put(shared, "This edit came with the link", own)
    this.#isLent = true
  }

  /** Takes over what the reader made of the text, and stores it. */
  change(text: string): void {
    this.script = this.shown ? splice(this.script, this.shown, text) : text
    this.shown &&= this.#excerpt
    this.#endLoan()
    const { name } = this.#snippet
    if (!this.isEdited) this.#edits.delete(name)
    const isStored = !this.isEdited || this.#edits.set(name, { ...this.#snippet, script: this.script })
    this.notice = isStored ? "" : "This browser keeps nothing: copy or share what you want to keep."
  }

  /** Discards what a link brought, or else the reader's own edit. */
  reset(): void {
    if (!this.#isLent) this.#edits.delete(this.#snippet.name)
    this.#endLoan()
    this.#restore()
  }

  /** Turns from the excerpt to the whole file, and back. Returns whether it could: an edit may go beyond the excerpt. */
  turn(): boolean {
    const before = this.shown
    this.shown = before ? undefined : this.#excerpt
    return before !== this.shown
  }

  /** The number of the line in the text, where a place is by now. The text may not have it; undefined: it is gone. */
  find({ line, script }: Place): number | undefined {
    const now = followed(line, script, this.script)
    return now && now - this.firstLine + 1
  }

  /** Turns to the whole file if the excerpt leaves out a line that is still there. Returns whether it did. */
  reveal(place: Place): boolean {
    const line = this.find(place)
    return line !== undefined && this.text.split("\n")[line - 1] === undefined && this.turn()
  }

  get #own(): Edit | undefined {
    return this.#edits.get(this.#snippet.name)
  }

  /** Where the excerpt is by now; undefined if the edit goes beyond it. */
  get #excerpt(): Excerpt | undefined {
    return moved(this.script, this.#snippet.script, this.#snippet.excerpt)
  }

  /** Brings back the reader's own edit, or else the original. */
  #restore(): void {
    this.#put(this.#own ?? this.#snippet, this.#own ? "This is your edit" : "")
  }

  #put({ script, hash }: Edit, origin: string, below?: string): void {
    const isOld = hash !== this.#snippet.hash
    const age = isOld ? ", of an earlier version of this snippet" : ""
    this.notice = origin && `${origin}${age}. Reset brings ${below ?? `the ${isOld ? "new" : "original"} one back`}.`
    this.script = script
    this.shown = this.#excerpt
  }

  #endLoan(): void {
    if (this.#isLent) this.#leaveLink()
    this.#isLent = false
  }
}
