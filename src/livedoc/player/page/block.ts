import type { Reply, Values } from "../messages.ts"
import { doAhead } from "./ahead.ts"
import { copied } from "./clipboard.ts"
import { Code } from "./code.ts"
import { CodeView, type LoadEditor } from "./code_view.ts"
import type { Edits } from "./edits.ts"
import { element, required } from "./element.ts"
import { Header } from "./header.ts"
import { type LoadDetails, Result } from "./result.ts"
import { type Outcome, type Runner, Stopped, Unavailable } from "./runner.ts"
import { Notice } from "./notice.ts"
import { linkTo, type Shared } from "./share.ts"
import { finished, invitation, loading } from "./status.ts"
import { type LoadLab, TryIt } from "./try_it.ts"

/** What all blocks of a page share. */
export interface Surroundings {
  runner: Runner
  edits: Edits
  loadEditor: LoadEditor
  /** Whether the host has another release of the site by now. */
  isOutdated: () => Promise<boolean>
  loadLab: LoadLab
  loadDetails: LoadDetails
  /** Runs programs beside those of `runner`. */
  anotherRunner: () => Runner
  /** The bytes that a first run fetches at the most, of any script. */
  downloadSize: number
  /** A program has run to its end. */
  ran: () => void
  /** The link that brought code has done its work: a reload does not bring that code back. */
  leaveLink: () => void
}

const UPDATED = "The site was updated. Reload the page to go on; your edit stays."
const RIVAL = "Another tab changed this example too. The browser keeps the change that comes last."
const ORIGINAL = "The original is back"
const DISCARDED = "Reset discarded an edit."

/** A snippet that can be run, edited, shared and taken along. */
export class Block {
  readonly #root: HTMLElement
  readonly #around: Surroundings
  readonly #code: Code
  readonly #header: Header
  readonly #view: CodeView
  readonly #notice = new Notice("snippet-notice", () => this.#header.button("run"))
  readonly #undo = new Notice("snippet-undo", () => this.#header.button("run"))
  #isOutdated = false
  readonly #result: Result
  readonly #tryIt: TryIt | undefined
  #attempt = 0

  constructor(root: HTMLElement, around: Surroundings) {
    this.#root = root
    this.#around = around
    this.#result = new Result(root, around.loadDetails)
    const script = (required(root, "template") as HTMLTemplateElement).content.textContent
    this.#code = new Code({ name: this.name, hash: this.#hash, script }, around.edits, around.leaveLink)
    const run = () => void this.#start()
    const actions = {
      Run: run,
      Stop: () => around.runner.stop(),
      Edit: () => this.#view.edit(),
      Reset: () => this.#reset(),
      Copy: () => this.#copy(),
    }
    const more = {
      Share: async () => this.#header.say(await this.#share()),
      Download: () => this.#download(),
    }
    this.#header = new Header(root, this.#path, actions, more)
    const changed = (text: string) => this.#change(text)
    this.#view = new CodeView(root, this.#code, this.#header, around.loadEditor, {
      changed,
      run,
      lost: () => void this.#lookForUpdate(),
    })
    const place = required(root, ".snippet-code")
    place.before(this.#notice.root, this.#undo.root)
    doAhead(this.#header.button("run"), () => around.runner.prepare(this.#code.script))
    for (const near of [this.#header.button("edit"), place])
      doAhead(near, () => around.loadEditor().catch(() => undefined))
    if (root.dataset.app !== undefined)
      this.#tryIt = new TryIt(root, around.loadLab, {
        path: this.#path,
        title: this.#header.title,
        script: () => this.#code.script,
        openRunner: around.anotherRunner,
        goTo: (place) => void this.#view.goTo(place),
        started: around.ran,
        share: (values) => this.#share(values),
      })
    this.#startOver()
  }

  /** Which block this is, wherever it is shown. */
  get name(): string {
    return `${this.#path}:${this.#root.dataset.section}`
  }

  /** The path of its snippet, and the app of that in a lab. */
  get app(): readonly [path: string, lab: TryIt | undefined] {
    return [this.#path, this.#tryIt]
  }

  /** Whether the page that is shown has it. */
  get isHere(): boolean {
    return this.#root.isConnected
  }

  /** Whether `root` is what this block was made from, fetched again. */
  isFrom(root: HTMLElement): boolean {
    return !this.isHere && ["snippet", "section", "hash"].every((key) => root.dataset[key] === this.#root.dataset[key])
  }

  /** Goes on in the place of `root`. */
  moveTo(root: HTMLElement): void {
    root.replaceWith(this.#root)
    this.#tryIt?.follow()
    this.#view.restyle()
  }

  /** The reader has left its page. */
  leave(): void {
    this.#tryIt?.close()
  }

  /** Shows an edit that came with a link, and has the lab start as the link says. */
  open(shared: Shared): void {
    const { script, values } = shared
    if (!(this.#code.isLent || values) || this.#code.script !== script) {
      this.#code.lend(shared)
      this.#startOver()
    }
    if (values) this.#tryIt?.set(values)
    const shown = (values && this.#tryIt?.element) ?? this.#root
    shown.scrollIntoView({ block: "nearest" })
    this.#header.announce(this.#code.notice)
  }

  /** The reader has gone back to before the link. */
  close(): void {
    if (!this.#code.isLent) return
    this.#code.giveBack()
    this.#startOver()
    this.#header.announce(this.#code.notice || ORIGINAL)
  }

  /** Another tab may have changed what the browser stores of this block. */
  look(): void {
    const before = this.#code.hasRival
    this.#code.look()
    this.#notify()
    if (this.#code.hasRival && !before) this.#header.announce(RIVAL)
  }

  /** Shows the code as if nothing had been done with it yet. */
  #startOver(): void {
    if (this.#header.isBusy) this.#around.runner.stop()
    this.#attempt++
    this.#header.showLink()
    this.#notify()
    this.#result.clear()
    const { downloadSize } = this.#around
    this.#header.show("idle", invitation(this.#code.isEdited ? downloadSize : Number(this.#root.dataset.weight)))
    this.#view.renew()
  }

  async #start(): Promise<void> {
    if (this.#header.isBusy) return
    const attempt = ++this.#attempt
    const { script } = this.#code
    this.#view.mark(undefined)
    this.#result.begin()
    this.#header.show("starting", "Starting")
    try {
      const outcome = await this.#around.runner.run(this.#path, script, (reply) => {
        if (attempt === this.#attempt) this.#follow(reply)
      })
      if (attempt === this.#attempt) this.#end(outcome, script)
    } catch (error) {
      if (attempt === this.#attempt) this.#giveUp(error)
    }
  }

  #follow(reply: Reply): void {
    if (reply.kind === "loading") this.#header.show("starting", loading(reply.loaded, reply.total))
    if (reply.kind === "starting") this.#header.show("starting", "Starting")
    if (reply.kind === "running") this.#header.show("running", "Running")
    if (reply.kind === "output") this.#result.print(reply)
  }

  #end(outcome: Outcome, script: string): void {
    if (outcome.kind === "failed") {
      this.#result.fail(outcome.traceback, this.#path, (line) => void this.#view.goTo({ line, script }))
      this.#result.recall()
      if (outcome.line !== undefined) this.#view.mark({ line: outcome.line, script })
    } else if (!this.#isExercise) this.#result.compare()
    this.#result.list(outcome)
    const isExpected = this.#isExercise ? undefined : this.#result.isExpected
    this.#header.show(outcome.kind, finished(outcome, this.#result.text, isExpected))
    this.#check().catch(() => undefined) // the output is there as it was printed
    this.#around.ran()
    this.#isOutdated = false // it went on without a reload
    this.#notify()
  }

  async #check(): Promise<void> {
    const attempt = this.#attempt
    const said = await this.#result.check()
    if (said && attempt === this.#attempt) this.#header.announce(said)
  }

  #giveUp(error: unknown): void {
    this.#result.recall()
    if (error instanceof Stopped) return this.#header.show("stopped", "Stopped")
    const reason = error instanceof Error ? error.message : String(error)
    this.#result.fail(`${reason}\nPress Run to start it again.\n`, this.#path, () => undefined)
    this.#header.show("failed", "Failed")
    void this.#lookForUpdate(error instanceof Unavailable && error.isGone)
  }

  /** What this page is made of may have gone from the host with a new release. Then only a reload helps. */
  async #lookForUpdate(isGone = false): Promise<void> {
    if (!isGone && !(await this.#around.isOutdated())) return
    this.#isOutdated = true
    this.#notify()
    this.#header.announce(UPDATED)
  }

  /** Loads the page again. An edit that the browser doesn't keep goes along in the address. */
  async #reload(): Promise<void> {
    const { script, isSafe } = this.#code
    const hash = isSafe ? undefined : await linkTo({ block: this.name, hash: this.#hash, script })
    if (hash) history.replaceState(history.state, "", hash)
    location.reload()
  }

  #change(text: string): void {
    this.#code.change(text)
    this.#isOutdated = false // until something is missing again
    this.#header.showLink()
    if (!this.#header.isBusy) this.#header.show("idle", "Edited, not run yet")
    this.#notify()
  }

  #reset(): void {
    this.#exchange(() => this.#code.reset())
  }

  #exchange(change: () => void): void {
    if (this.#code.isEdited && this.#header.state !== "idle") this.#around.runner.renew()
    change()
    this.#startOver()
    this.#header.announce(this.#code.notice || ORIGINAL)
  }

  async #copy(): Promise<void> {
    this.#header.say((await copied(this.#code.script)) ? "Copied" : "Could not copy")
  }

  /** Makes a link to the code, with what the controls of its lab are set to, and gives what there is to say of that. */
  async #share(values?: Values): Promise<string> {
    const { script } = this.#code
    const hash = await linkTo({ block: this.name, hash: this.#hash, script, values })
    if (!hash) return "This browser can't make links: Copy or Download the code"
    const link = new URL(hash, location.href).href
    if (script === this.#code.script) this.#header.showLink(link)
    return (await copied(link)) ? "Link copied" : "The link is ready"
  }

  #download(): void {
    const file = URL.createObjectURL(new Blob([this.#code.script], { type: "text/x-python" }))
    element("a", "", { href: file, download: this.#path.split("/").at(-1) ?? "" }).click()
    URL.revokeObjectURL(file)
    this.#header.say("Downloaded")
  }

  #notify(): void {
    const { notice, hasRival, canUndo } = this.#code
    if (this.#isOutdated) this.#notice.show(UPDATED, { Reload: () => this.#reload() })
    else if (hasRival) this.#notice.show(RIVAL, { "Show the other": () => this.#exchange(() => this.#code.swap()) })
    else this.#notice.show(notice)
    this.#undo.show(canUndo ? DISCARDED : "", { Undo: () => this.#exchange(() => this.#code.undo()) })
  }

  /** What it prints isn't to be as expected: it's to pass its checks. */
  get #isExercise(): boolean {
    return this.#root.parentElement?.dataset.exercise === this.#path
  }

  get #path(): string {
    return this.#root.dataset.snippet ?? ""
  }

  get #hash(): string {
    return this.#root.dataset.hash ?? ""
  }
}
