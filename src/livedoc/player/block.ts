import type { Reply } from "./messages.ts"
import { type Ending, type Runner, Stopped } from "./runner.ts"
import { excerpt, splice } from "./source.ts"
import { finished, loading } from "./status.ts"

type State = "idle" | "starting" | "running" | "done" | "failed" | "stopped"

/** Gives a snippet's block its buttons. A block that has them already is left as it is. */
export function mount(root: HTMLElement, runner: Runner): void {
  if (!root.querySelector(".snippet-actions")) new Block(root, runner)
}

class Block {
  readonly #root: HTMLElement
  readonly #runner: Runner
  readonly #title: string
  readonly #code: HTMLElement
  readonly #status = element("p", "snippet-status", { role: "status" })
  readonly #printed = result("Your output", "data-output")
  readonly #error = result("What went wrong", "data-error")
  readonly #run: HTMLButtonElement
  readonly #stop: HTMLButtonElement
  #editor: HTMLTextAreaElement | undefined
  #attempt = 0

  constructor(root: HTMLElement, runner: Runner) {
    this.#root = root
    this.#runner = runner
    this.#title = root.querySelector(".snippet-title")?.textContent ?? this.#path
    this.#code = required(root, ".snippet-code")
    this.#run = this.#button("Run", () => void this.#start())
    this.#stop = this.#button("Stop", () => runner.stop())
    const actions = element("div", "snippet-actions", { role: "group", "aria-label": this.#title })
    actions.append(
      this.#run,
      this.#stop,
      this.#button("Edit", () => this.#edit()),
      this.#button("Reset", () => this.#reset()),
      this.#button("Copy", () => void this.#copy()),
    )
    required(root, ".snippet-header").append(actions, this.#status)
    root.append(this.#printed.section, this.#error.section)
    this.#show("idle", "Runs in your browser")
  }

  async #start(): Promise<void> {
    if (this.#busy) return
    const attempt = ++this.#attempt
    this.#clear()
    this.#show("starting", "Starting")
    try {
      const ending = await this.#runner.run(this.#path, this.#script, (reply) => this.#follow(reply))
      if (attempt === this.#attempt) this.#end(ending)
    } catch (error) {
      if (attempt === this.#attempt) this.#giveUp(error)
    }
  }

  #follow(reply: Reply): void {
    if (reply.kind === "loading") this.#show("starting", loading(reply.loaded, reply.total))
    if (reply.kind === "starting") this.#show("starting", "Starting")
    if (reply.kind === "running") this.#show("running", "Running")
    if (reply.kind === "output") this.#printed.show(reply.text)
  }

  #end(ending: Ending): void {
    if (ending.kind === "failed") this.#error.show(ending.traceback)
    const promised = this.#root.querySelector("[data-promised]")?.textContent
    this.#show(ending.kind, finished(ending, this.#printed.text, promised ?? undefined))
  }

  #giveUp(error: unknown): void {
    if (error instanceof Stopped) return this.#show("stopped", "Stopped")
    const reason = error instanceof Error ? error.message : String(error)
    this.#error.show(`Python could not start: ${reason}.\nRun tries again.\n`)
    this.#show("failed", "Failed")
  }

  #edit(): void {
    this.#editor ??= this.#opened()
    this.#editor.focus()
  }

  #opened(): HTMLTextAreaElement {
    const hint = element("p", "snippet-hint", { id: `${this.#path}-hint` })
    hint.append("Tab indents, Escape leaves, Ctrl+Enter runs.")
    const editor = element("textarea", "snippet-editor", {
      "aria-label": `Code: ${this.#title}`,
      "aria-describedby": hint.id,
      autocapitalize: "off",
      autocomplete: "off",
      spellcheck: "false",
      wrap: "off",
    })
    editor.value = excerpt(this.#original, this.#excerpt)
    const fit = () => (editor.rows = editor.value.split("\n").length)
    fit()
    editor.addEventListener("input", fit)
    editor.addEventListener("keydown", (event) => this.#key(event, editor))
    this.#code.hidden = true
    this.#code.after(editor, hint)
    return editor
  }

  #key(event: KeyboardEvent, editor: HTMLTextAreaElement): void {
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey
    if (event.key === "Tab" && plain) insert("    ", editor)
    else if (event.key === "Escape") this.#run.focus()
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void this.#start()
    else return
    event.preventDefault()
  }

  #reset(): void {
    if (this.#busy) this.#runner.stop()
    this.#attempt++
    this.#editor?.nextElementSibling?.remove()
    this.#editor?.remove()
    this.#editor = undefined
    this.#code.hidden = false
    this.#clear()
    this.#show("idle", "Runs in your browser")
  }

  async #copy(): Promise<void> {
    this.#say((await copied(this.#script)) ? "Copied" : "Could not copy")
  }

  #clear(): void {
    this.#printed.clear()
    this.#error.clear()
  }

  #show(state: State, status: string): void {
    this.#root.dataset.state = state
    this.#say(status)
    this.#run.ariaDisabled = String(this.#busy)
    if (!this.#busy && document.activeElement === this.#stop) this.#run.focus() // a disabled button loses the focus
    this.#stop.disabled = !this.#busy
  }

  #say(status: string): void {
    if (this.#status.textContent !== status) this.#status.textContent = status
  }

  get #busy(): boolean {
    return this.#root.dataset.state === "starting" || this.#root.dataset.state === "running"
  }

  get #path(): string {
    return this.#root.dataset.snippet ?? ""
  }

  get #original(): string {
    return this.#root.dataset.source ?? ""
  }

  get #script(): string {
    return this.#editor ? splice(this.#original, this.#excerpt, this.#editor.value) : this.#original
  }

  get #excerpt(): { first: number; last: number; indent: number } {
    const { first, last, indent } = this.#root.dataset
    return { first: Number(first), last: Number(last), indent: Number(indent) }
  }

  /** A button whose name begins with its verb and is told apart from the same button of other blocks. */
  #button(verb: string, press: () => void): HTMLButtonElement {
    const name = `${verb}: ${this.#title}`
    const button = element("button", `snippet-${verb.toLowerCase()}`, { type: "button", "aria-label": name })
    button.append(verb)
    button.addEventListener("click", press)
    return button
  }
}

interface Result {
  readonly section: HTMLElement
  readonly text: string
  show(text: string): void
  clear(): void
}

/** A part of the block that appears with its first text. Text from Python goes in as text. */
function result(label: string, marker: string): Result {
  const section = element("div", "snippet-result", {})
  const heading = element("div", "snippet-label", {})
  const pre = element("pre", "", { [marker]: "", tabindex: "0", "aria-label": label, role: "group" })
  heading.append(label)
  section.append(heading, pre)
  section.hidden = true
  return {
    section,
    get text() {
      return pre.textContent
    },
    show(text) {
      section.hidden = false
      pre.append(text)
    },
    clear() {
      section.hidden = true
      pre.replaceChildren()
    },
  }
}

function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className: string,
  attributes: Record<string, string>,
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag)
  if (className) made.className = className
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value)
  return made
}

function required(root: HTMLElement, selector: string): HTMLElement {
  const found = root.querySelector<HTMLElement>(selector)
  if (!found) throw new Error(`the block of ${root.dataset.snippet} has no ${selector}`)
  return found
}

/** As typing would, so that it can be undone. */
function insert(text: string, editor: HTMLTextAreaElement): void {
  if (document.execCommand("insertText", false, text)) return
  editor.setRangeText(text, editor.selectionStart, editor.selectionEnd, "end")
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
