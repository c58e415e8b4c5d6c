import type { Edit, Edits } from "./edits.ts"
import { numberOfHidden } from "./hidden.ts"

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
  isLent = false
  /** Of the snippet that the script is an edit of. */
  #hash = ""
  /** What the browser stored when this was last read or written here; another tab may have changed it since. */
  #stored: string | undefined
  /** What the last Reset discarded. */
  #discarded: (Edit & { isLent: boolean }) | undefined
  /** What another tab made of this block. */
  #rival: Edit | undefined
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

  /** Whether there is a Reset to undo. */
  get canUndo(): boolean {
    return this.#discarded !== undefined
  }

  /** Whether another tab has other code of this block, which may be what the browser stores. */
  get hasRival(): boolean {
    return this.#rival !== undefined
  }

  /** Takes over an edit that came with a link. It is the reader's once they change it. */
  lend(shared: Edit): void {
    const own = this.#own && "your own one back, as long as you change nothing here"
    this.#put(shared, "This edit came with the link", own)
    this.isLent = true
  }

  /** Takes over what the reader made of the script, and stores it. */
  change(script: string): void {
    const isStored = this.#store({ ...this.#snippet, script })
    this.#endLoan()
    this.notice = isStored ? "" : "This browser can't store this edit: copy or share what you want to keep."
  }

  /** Discards what a link brought, or else the reader's own edit. */
  reset(): void {
    const { script, isLent } = this
    if (this.isEdited) this.#discarded = { script, hash: this.#hash, isLent }
    if (!isLent) this.#store(this.#snippet)
    this.#endLoan()
    this.#restore()
  }

  /** Brings back what a reset discarded. An edit that was made since can be brought back in the same way. */
  undo(): void {
    const before = this.isEdited ? { script: this.script, hash: this.#hash, isLent: this.isLent } : undefined
    const discarded = this.#discarded
    if (!discarded) return
    this.#discarded = before
    if (discarded.isLent) return this.lend(discarded)
    this.#endLoan()
    this.#store(discarded)
    this.#restore()
  }

  /** Takes away what a link brought, because the reader has gone back to before it. */
  giveBack(): void {
    this.isLent = false
    this.#restore()
  }

  /** Looks at what the browser stores, which another tab may have changed. */
  look(): void {
    const own = this.#own
    if (own?.script === this.#stored) return
    this.#stored = own?.script
    const theirs = own ?? this.#snippet
    this.#rival = this.isLent || theirs.script === this.script ? undefined : theirs
  }

  /** Shows what another tab made of this block, and stores it. What was shown can be brought back in the same way. */
  swap(): void {
    const [theirs, mine] = [this.#rival, { script: this.script, hash: this.#hash }]
    if (!theirs) return
    this.#store(theirs)
    this.#restore()
    this.#rival = mine
  }

  get #own(): Edit | undefined {
    return this.#edits.get(this.#snippet.name)
  }

  /** Makes it the reader's own. What another tab has stored in the meantime is put aside. Returns whether it's stored. */
  #store({ hash, script }: Edit): boolean {
    const { name } = this.#snippet
    const own = this.#own
    if (own && own.script !== this.#stored && own.script !== script) this.#rival = own
    this.script = script
    this.#hash = hash
    if (!this.isEdited) this.#edits.delete(name)
    const isStored = !this.isEdited || this.#edits.set(name, { hash, script })
    this.#stored = this.#own?.script
    return isStored
  }

  /** Brings back the reader's own edit, or else the original. */
  #restore(): void {
    const own = this.#own
    this.#stored = own?.script
    this.#put(own ?? this.#snippet, own ? "This is your edit" : "")
  }

  #put({ script, hash }: Edit, origin: string, below?: string): void {
    const isOld = hash !== this.#snippet.hash
    const age = isOld ? ", of an earlier version of this snippet" : ""
    this.notice = origin && `${origin}${age}. Reset brings ${below ?? `the ${isOld ? "new" : "original"} one back`}.`
    const hidden = numberOfHidden(script)
    if (this.notice && hidden)
      this.notice += ` Of its characters, ${hidden} can't be seen or reorder others: each is marked.`
    this.script = script
    this.#hash = hash
  }

  #endLoan(): void {
    if (this.isLent) this.#leaveLink()
    this.isLent = false
  }
}
