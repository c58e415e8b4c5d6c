import type { Editor } from "../editor/editor.ts"
import type { Edit, Edits } from "./edits.ts"
import { element, required } from "./element.ts"
import type { Reply } from "../messages.ts"
import { Result } from "./result.ts"
import { type Outcome, type Runner, Stopped } from "./runner.ts"
import { linkTo } from "./share.ts"
import { type Excerpt, excerpt, followed, moved, splice } from "./source.ts"
import { finished, invitation, loading } from "./status.ts"

type State = "idle" | "starting" | "running" | "done" | "failed" | "stopped"

/** What all blocks of a page share. */
export interface Surroundings {
  runner: Runner
  edits: Edits
  loadEditor: () => Promise<typeof import("../editor/editor.ts")>
  /** Bytes that a first run fetches at the most. */
  download: number
  /** A program has run to its end. */
  ran: () => void
  /** The link that brought code has done its work: a reload does not bring that code back. */
  leaveLink: () => void
}

const YOURS = "your own one back, as long as you change nothing here"

let hints = 0 // each is named by an id

/** A snippet that can be run, edited, shared and taken along. */
export class Block {
  readonly #root: HTMLElement
  readonly #around: Surroundings
  readonly #title: string
  readonly #original: string
  readonly #code: HTMLElement
  readonly #excerptCode: Node[]
  readonly #status = element("p", "snippet-status")
  readonly #announcement = element("p", "snippet-announcement", { role: "status" })
  readonly #notice = element("p", "snippet-notice")
  readonly #result = new Result()
  readonly #run: HTMLButtonElement
  readonly #stop: HTMLButtonElement
  readonly #whole: HTMLButtonElement
  readonly #link = element("a", "snippet-link")
  /** What runs, and no other is shown: `#put` shows what it sets, and `#changed` sets what is shown. */
  #script: string
  /** Whether a link brought it and the reader has not changed it. */
  #isLent = false
  #opening: ReturnType<Surroundings["loadEditor"]> | undefined
  #editor: Editor | undefined
  /** The line that failed, in the script that ran. */
  #failed: { line: number; script: string } | undefined
  /** What the state is called. */
  #standing = ""
  #attempt = 0

  constructor(root: HTMLElement, around: Surroundings) {
    this.#root = root
    this.#around = around
    this.#title = root.querySelector(".snippet-title")?.textContent ?? this.#path
    this.#code = required(root, ".snippet-code")
    this.#excerptCode = [...this.#code.childNodes]
    this.#original = this.#script = this.#template.textContent
    this.#run = this.#button("Run", () => void this.#start())
    this.#stop = this.#button("Stop", () => around.runner.stop())
    this.#whole = this.#button("Whole file", () => this.#turn())
    this.#mount()
    this.#restore()
  }

  /** Which block this is, wherever it is shown. */
  get name(): string {
    return `${this.#path}:${this.#root.dataset.section}`
  }

  /** Whether the page that is shown has it. */
  get isHere(): boolean {
    return this.#root.isConnected
  }

  /** Whether `root` is what this block was made from, come anew. */
  isFrom(root: HTMLElement): boolean {
    return !this.isHere && ["snippet", "section", "hash"].every((key) => root.dataset[key] === this.#root.dataset[key])
  }

  /** Goes on in the place of `root`. */
  moveTo(root: HTMLElement): void {
    root.replaceWith(this.#root)
    this.#editor?.restyle()
  }

  /** Shows an edit that came with a link. It is the reader's once they change it. */
  open(shared: Edit): void {
    const own = this.#around.edits.get(this.name)
    this.#put(shared.script, this.#about(shared, "This edit came with the link", own && YOURS))
    this.#isLent = true
    this.#root.scrollIntoView({ block: "nearest" })
    this.#announce(this.#notice.textContent)
  }

  /** Brings back the reader's own edit, or else the original. */
  #restore(): void {
    const own = this.#around.edits.get(this.name)
    if (own) this.#put(own.script, this.#about(own, "This is your edit"))
    else this.#put(this.#original, "")
  }

  #about({ hash }: Edit, what: string, below?: string): string {
    const isOld = hash !== this.#hash
    const age = isOld ? ", of an earlier version of this snippet" : ""
    return `${what}${age}. Reset brings ${below ?? `the ${isOld ? "new" : "original"} one back`}.`
  }

  /** Puts code into the block as if nothing had been done to it yet. */
  #put(script: string, notice: string): void {
    if (this.#busy) this.#around.runner.stop()
    this.#attempt++
    this.#script = script
    this.#failed = undefined
    this.#whole.ariaPressed = "false"
    this.#link.hidden = true
    this.#notify(notice)
    this.#result.clear()
    this.#show("idle", invitation(this.#around.download))
    if (!this.#isEdited) this.#close()
    this.#display()
    if (this.#isEdited) void this.#opened()
  }

  /** Shows the script in the editor, or as text where there is none. */
  #display(): void {
    const shown = this.#shown
    this.#whole.ariaPressed = String(!shown)
    if (this.#editor) {
      this.#editor.replace(this.#text, this.#offset + 1)
      this.#mark()
    } else if (this.#isEdited) {
      this.#code.replaceChildren(element("pre", "", {}, element("code", "", { tabindex: "0" }, this.#text)))
    } else this.#code.replaceChildren(...(shown ? this.#excerptCode : [this.#template.cloneNode(true)]))
  }

  #mount(): void {
    const edit = this.#button("Edit", () => void this.#edit())
    const reset = this.#button("Reset", () => this.#reset())
    const copy = this.#button("Copy", () => void this.#copy())
    const more = this.#button("More", () => this.#disclose(more, extras))
    more.ariaExpanded = "false"
    const shell = element("p", "snippet-shell", {}, "To run the original in a clone: ")
    shell.append(element("code", "", {}, this.#shellLine))
    const [share, download] = [
      this.#button("Share", () => void this.#share()),
      this.#button("Download", () => this.#download()),
    ]
    const extras = element("div", "snippet-extras", {}, this.#whole, share, download, shell, this.#link)
    extras.hidden = true
    const actions = element("div", "snippet-actions", { role: "group", "aria-label": this.#title })
    actions.append(this.#run, this.#stop, edit, reset, copy, more)
    required(this.#root, ".snippet-header").append(actions, this.#status, this.#announcement, extras)
    this.#code.before(this.#notice)
    required(this.#root, ".snippet-output").after(this.#result.root)
    this.#hint(this.#run, () => this.#around.runner.prepare(this.#script))
    for (const place of [edit, this.#code]) this.#hint(place, () => this.#around.loadEditor().catch(() => undefined))
  }

  /** Does something ahead once the reader comes near, unless they asked their browser to save data. */
  #hint(place: HTMLElement, ahead: () => unknown): void {
    const come = () => {
      const connection = Reflect.get(navigator, "connection") as { saveData?: boolean } | undefined
      if (!connection?.saveData) ahead()
    }
    for (const event of ["pointerenter", "focusin"]) place.addEventListener(event, come, { once: true })
  }

  async #start(): Promise<void> {
    if (this.#busy) return
    const attempt = ++this.#attempt
    const script = this.#script
    this.#failed = undefined
    this.#mark()
    this.#result.begin(required(this.#root, ".snippet-output").offsetHeight)
    this.#show("starting", "Starting")
    try {
      const outcome = await this.#around.runner.run(this.#path, script, (reply) => this.#follow(reply))
      if (attempt === this.#attempt) this.#end(outcome, script)
    } catch (error) {
      if (attempt === this.#attempt) this.#giveUp(error)
    }
  }

  #follow(reply: Reply): void {
    if (reply.kind === "loading") this.#show("starting", loading(reply.loaded, reply.total))
    if (reply.kind === "starting") this.#show("starting", "Starting")
    if (reply.kind === "running") this.#show("running", "Running")
    if (reply.kind === "output") this.#result.print(reply)
  }

  #end(outcome: Outcome, script: string): void {
    const promised = required(this.#root, "[data-promised]").textContent
    if (outcome.kind === "failed") this.#result.fail(outcome, this.#path, (line) => void this.#goTo(line, script))
    else this.#result.compare(promised)
    this.#result.list(outcome)
    if (outcome.kind === "failed" && outcome.line !== undefined) this.#failed = { line: outcome.line, script }
    this.#mark()
    this.#show(outcome.kind, finished(outcome, this.#result.text, promised))
    this.#around.ran()
  }

  #giveUp(error: unknown): void {
    if (error instanceof Stopped) return this.#show("stopped", "Stopped")
    const reason = error instanceof Error ? error.message : String(error)
    const traceback = `${reason}\nRun starts it anew.\n`
    this.#result.fail({ traceback, error: "", line: undefined }, this.#path, () => undefined)
    this.#show("failed", "Failed")
  }

  async #edit(): Promise<void> {
    const editor = await this.#opened()
    editor?.focus()
  }

  /** Goes to a line of the script that ran, wherever it is by now. */
  async #goTo(ran: number, script: string): Promise<void> {
    const line = followed(ran, script, this.#script)
    if (line === undefined) return this.#edit()
    const shown = this.#shown
    if (shown && (line < shown.first || line > shown.last)) this.#turn()
    const editor = await this.#opened()
    editor?.goTo(line - this.#offset)
  }

  /** The editor, opened now or earlier; undefined if it cannot be loaded. */
  async #opened(): Promise<Editor | undefined> {
    const opening = (this.#opening ??= this.#around.loadEditor())
    try {
      const { openEditor } = await opening
      if (opening === this.#opening && !this.#editor) this.#open(openEditor) // not closed or opened meanwhile
    } catch {
      if (opening === this.#opening) {
        this.#opening = undefined
        this.#say("The editor could not be loaded: Edit tries again")
      }
    }
    return this.#editor
  }

  #open(openEditor: typeof import("../editor/editor.ts").openEditor): void {
    const hint = element("p", "snippet-hint", { id: `snippet-hint-${++hints}` })
    hint.append("Tab indents, Escape leaves, Ctrl+Enter runs.")
    const editing = element("div", "snippet-editing")
    this.#code.hidden = true
    this.#code.after(editing)
    this.#editor = openEditor(editing, {
      text: this.#text,
      label: `Code: ${this.#title}`,
      describedBy: hint.id,
      firstLine: this.#offset + 1,
      changed: (text) => this.#changed(text),
      run: () => void this.#start(),
      leave: () => this.#run.focus(),
    })
    editing.append(hint)
    this.#mark()
    this.#status.textContent = this.#standing // and no longer that it could not be loaded
  }

  #close(): void {
    this.#editor?.close()
    this.#editor = this.#opening = undefined
    this.#root.querySelector(".snippet-editing")?.remove()
    this.#code.hidden = false
  }

  #changed(text: string): void {
    const shown = this.#shown
    this.#script = shown ? splice(this.#script, shown, text) : text
    this.#link.hidden = true
    this.#leaveLink()
    if (!this.#isEdited) this.#around.edits.delete(this.name)
    if (!this.#busy) this.#show("idle", "Edited, not run yet")
    const isKept = !this.#isEdited || this.#around.edits.set(this.name, { hash: this.#hash, script: this.#script })
    this.#notify(isKept ? "" : "This browser keeps nothing: copy or share what you want to keep.")
  }

  #leaveLink(): void {
    if (this.#isLent) this.#around.leaveLink()
    this.#isLent = false
  }

  /** From the excerpt to the whole file, and back. */
  #turn(): void {
    const whole = this.#whole.ariaPressed !== "true"
    if (!whole && !moved(this.#script, this.#original, this.#excerpt)) {
      return this.#say("The edit is beyond the excerpt: the whole file stays")
    }
    this.#whole.ariaPressed = String(whole)
    this.#display()
  }

  #mark(): void {
    const line = this.#failed && followed(this.#failed.line, this.#failed.script, this.#script)
    this.#editor?.mark(line && line - this.#offset)
  }

  /** Takes away what lies on top: what a link brought, or else the reader's own edit. */
  #reset(): void {
    if (this.#isEdited && this.#root.dataset.state !== "idle") this.#around.runner.renew()
    if (!this.#isLent) this.#around.edits.delete(this.name)
    this.#leaveLink()
    this.#restore()
    this.#announce(this.#notice.textContent || "The original is back")
  }

  async #copy(): Promise<void> {
    this.#say((await copied(this.#script)) ? "Copied" : "Could not copy")
  }

  async #share(): Promise<void> {
    const script = this.#script
    const hash = await linkTo({ block: this.name, hash: this.#hash, script })
    this.#link.href = new URL(hash, location.href).href
    this.#link.textContent = "Link to this code"
    this.#link.hidden = script !== this.#script
    this.#say((await copied(this.#link.href)) ? "Link copied" : "The link is ready")
  }

  #download(): void {
    const file = URL.createObjectURL(new Blob([this.#script], { type: "text/x-python" }))
    element("a", "", { href: file, download: this.#path.split("/").at(-1) ?? "" }).click()
    URL.revokeObjectURL(file)
    this.#say("Downloaded")
  }

  #disclose(button: HTMLButtonElement, part: HTMLElement): void {
    part.hidden = !part.hidden
    button.ariaExpanded = String(!part.hidden)
  }

  #notify(notice: string): void {
    this.#notice.textContent = notice
    this.#notice.hidden = notice === ""
  }

  #show(state: State, status: string): void {
    const before = this.#root.dataset.state
    this.#root.dataset.state = state
    this.#status.textContent = this.#standing = status
    if (state !== "idle" && state !== before) this.#announce(status)
    this.#run.ariaDisabled = String(this.#busy)
    if (!this.#busy && document.activeElement === this.#stop) this.#run.focus() // a disabled button loses the focus
    this.#stop.disabled = !this.#busy
  }

  #say(status: string): void {
    this.#status.textContent = status
    this.#announce(status)
  }

  /** For screen readers: each change of state once, and not each step of a download. */
  #announce(text: string): void {
    this.#announcement.textContent = text
  }

  get #isEdited(): boolean {
    return this.#script !== this.#original
  }

  get #busy(): boolean {
    return this.#root.dataset.state === "starting" || this.#root.dataset.state === "running"
  }

  get #path(): string {
    return this.#root.dataset.snippet ?? ""
  }

  get #hash(): string {
    return this.#root.dataset.hash ?? ""
  }

  get #template(): DocumentFragment {
    return (required(this.#root, "template") as HTMLTemplateElement).content
  }

  get #excerpt(): Excerpt {
    const { first, last, indent } = this.#root.dataset
    return { first: Number(first), last: Number(last), indent: Number(indent) }
  }

  /** The lines of the script that are shown; undefined: all of them. */
  get #shown(): Excerpt | undefined {
    return this.#whole.ariaPressed === "true" ? undefined : moved(this.#script, this.#original, this.#excerpt)
  }

  /** What of the script is shown. */
  get #text(): string {
    return this.#shown ? excerpt(this.#script, this.#shown) : this.#script
  }

  /** How many lines of the script come before those that are shown. */
  get #offset(): number {
    return (this.#shown?.first ?? 1) - 1
  }

  get #shellLine(): string {
    return `make setup && .venv/bin/python snippets/${this.#path}`
  }

  /** A button whose name begins with its verb and is told apart from the same button of other blocks. */
  #button(verb: string, press: () => void): HTMLButtonElement {
    const name = `${verb}: ${this.#title}`
    const className = `snippet-${verb.toLowerCase().replace(" ", "-")}`
    const button = element("button", className, { type: "button", "aria-label": name }, verb)
    button.addEventListener("click", press)
    return button
  }
}

async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return copiedBySelection(text) // no permission, or a page without TLS
  }
}

function copiedBySelection(text: string): boolean {
  const focused = document.activeElement
  const field = element("textarea", "", { readonly: "" })
  field.value = text
  document.body.append(field)
  field.select()
  const done = document.execCommand("copy")
  field.remove()
  if (focused instanceof HTMLElement) focused.focus()
  return done
}
