import type { Editor, Options } from "../editor/editor.ts"
import type { Code, Place } from "./code.ts"
import { element, required } from "./element.ts"
import { Folds } from "./folds.ts"
import type { Header } from "./header.ts"
import { HIDDEN, mark, markHidden } from "./hidden.ts"

type EditorModule = typeof import("../editor/editor.ts")
export type LoadEditor = () => Promise<EditorModule>

interface Reactions extends Pick<Options, "changed" | "run"> {
  /** The editor did not come. */
  lost(): void
}

let hints = 0 // each is named by an id

/** Where a block shows its code: as text, or the whole file in an editor that is loaded when it is first opened. */
export class CodeView {
  readonly #code: Code
  readonly #header: Header
  readonly #loadEditor: LoadEditor
  readonly #options: Reactions
  readonly #place: HTMLElement
  readonly #folds: Folds
  /** The number of the first line that the page shows. */
  readonly #first: number
  #opening: Promise<EditorModule> | undefined
  #editor: Editor | undefined
  #followed: EditorModule["followed"] | undefined
  #marked: Place | undefined

  constructor(root: HTMLElement, code: Code, header: Header, loadEditor: LoadEditor, options: Reactions) {
    this.#code = code
    this.#header = header
    this.#loadEditor = loadEditor
    this.#options = options
    this.#place = required(root, ".snippet-code")
    this.#folds = new Folds(root)
    this.#first = Number(root.dataset.first)
  }

  /** Shows code that has just been put in place: the original as text, and an edit in the editor. */
  renew(): void {
    const { script, isEdited } = this.#code
    this.#marked = undefined
    if (!isEdited) this.#close()
    if (this.#editor) this.#editor.replace(script)
    else if (isEdited) {
      this.#place.replaceChildren(element("pre", "", {}, element("code", "", { tabindex: "0" }, script)))
      markHidden(this.#place)
      void this.#opened()
    } else this.#folds.show()
  }

  /** Marks the line that failed, through all edits; undefined: none. */
  mark(place: Place | undefined): void {
    this.#marked = place
    this.#editor?.mark(place && this.#find(place))
  }

  /** Opens the whole file, where the lines are that the page shows. */
  async edit(): Promise<void> {
    const isOriginal = !this.#editor && !this.#code.isEdited
    const isAwaited = focusStays()
    const editor = await this.#opened()
    if (!isAwaited()) return
    if (isOriginal) editor?.goTo(this.#first, "nearest")
    else editor?.focus()
  }

  /** Goes to a line of the script that ran, wherever it is by now. */
  async goTo(place: Place): Promise<void> {
    const isAwaited = focusStays()
    const editor = await this.#opened()
    if (!isAwaited()) return
    const line = this.#find(place)
    if (line === undefined) editor?.focus()
    else editor?.goTo(line, "center")
  }

  /** Styles the editor again, after the page was swapped. */
  restyle(): void {
    this.#editor?.restyle()
  }

  /** The number of the line where a place is by now; undefined: it is gone. */
  #find({ line, script }: Place): number | undefined {
    return this.#followed?.(line, script, this.#code.script)
  }

  /** The editor, opened now or earlier; undefined if it cannot be loaded. */
  async #opened(): Promise<Editor | undefined> {
    const opening = (this.#opening ??= this.#loadEditor())
    try {
      const { openEditor, followed } = await opening
      this.#followed = followed
      if (opening === this.#opening && !this.#editor) this.#open(openEditor) // not closed or opened in between
    } catch {
      if (opening === this.#opening) {
        this.#opening = undefined
        this.#header.say("The editor could not be loaded: Edit tries again")
        this.#options.lost()
      }
    }
    return this.#editor
  }

  #open(openEditor: EditorModule["openEditor"]): void {
    const id = `snippet-hint-${++hints}`
    const hint = element("p", "snippet-hint", { id, translate: "yes" }, "Tab indents, Escape leaves, Ctrl+Enter runs.")
    const editing = element("div", "snippet-editing")
    this.#place.hidden = true
    this.#place.after(editing)
    this.#editor = openEditor(editing, {
      ...this.#options,
      text: this.#code.script,
      label: `Code: ${this.#header.title}`,
      describedBy: id,
      hidden: { pattern: HIDDEN, mark },
      leave: () => this.#header.button("run").focus(),
    })
    editing.append(hint)
    this.mark(this.#marked)
    this.#header.restate() // and no longer that it could not be loaded
  }

  #close(): void {
    if (this.#editor) this.#place.nextElementSibling?.remove()
    this.#editor?.close()
    this.#editor = this.#opening = undefined
    this.#place.hidden = false
  }
}

/** Tells later whether the reader still waits here: the focus is where it is now, or nowhere. */
function focusStays(): () => boolean {
  const before = document.activeElement
  return () => document.activeElement === before || document.activeElement === document.body
}
