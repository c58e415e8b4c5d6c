import type { Editor, Options } from "../editor/editor.ts"
import type { Code, Place } from "./code.ts"
import { element, required } from "./element.ts"
import type { Header } from "./header.ts"

type EditorModule = typeof import("../editor/editor.ts")
export type LoadEditor = () => Promise<EditorModule>

let hints = 0 // each is named by an id

/** Where a block shows its code: as text, or in an editor that is loaded when it is first opened. */
export class CodeView {
  readonly #code: Code
  readonly #header: Header
  readonly #loadEditor: LoadEditor
  readonly #options: Pick<Options, "changed" | "run">
  readonly #place: HTMLElement
  readonly #excerpt: Node[]
  readonly #whole: DocumentFragment
  #opening: Promise<EditorModule> | undefined
  #editor: Editor | undefined
  #marked: Place | undefined

  constructor(
    root: HTMLElement,
    code: Code,
    header: Header,
    loadEditor: LoadEditor,
    options: Pick<Options, "changed" | "run">,
  ) {
    this.#code = code
    this.#header = header
    this.#loadEditor = loadEditor
    this.#options = options
    this.#place = required(root, ".snippet-code")
    this.#excerpt = [...this.#place.childNodes]
    this.#whole = (required(root, "template") as HTMLTemplateElement).content
  }

  /** Shows code that has just been put in place: the original as text, and an edit in the editor. */
  renew(): void {
    this.#marked = undefined
    if (!this.#code.isEdited) this.#close()
    this.show()
    if (this.#code.isEdited) void this.#opened()
  }

  show(): void {
    const { shown, text, firstLine, isEdited } = this.#code
    this.#header.button("whole-file").ariaPressed = String(!shown)
    if (this.#editor) {
      this.#editor.replace(text, firstLine)
      this.mark(this.#marked)
    } else if (isEdited) {
      this.#place.replaceChildren(element("pre", "", {}, element("code", "", { tabindex: "0" }, text)))
    } else this.#place.replaceChildren(...(shown ? this.#excerpt : [this.#whole.cloneNode(true)]))
  }

  /** Marks the line that failed, through all edits; undefined: none. */
  mark(place: Place | undefined): void {
    this.#marked = place
    this.#editor?.mark(place && this.#code.find(place))
  }

  async edit(): Promise<void> {
    const editor = await this.#opened()
    editor?.focus()
  }

  /** Goes to a line of the script that ran, wherever it is by now. */
  async goTo(place: Place): Promise<void> {
    const editor = await this.#opened()
    if (this.#code.reveal(place)) this.show()
    const line = this.#code.find(place)
    if (line === undefined) editor?.focus()
    else editor?.goTo(line)
  }

  /** Styles the editor again, after the page was swapped. */
  restyle(): void {
    this.#editor?.restyle()
  }

  /** The editor, opened now or earlier; undefined if it cannot be loaded. */
  async #opened(): Promise<Editor | undefined> {
    const opening = (this.#opening ??= this.#loadEditor())
    try {
      const { openEditor } = await opening
      if (opening === this.#opening && !this.#editor) this.#open(openEditor) // not closed or opened in between
    } catch {
      if (opening === this.#opening) {
        this.#opening = undefined
        this.#header.say("The editor could not be loaded: Edit tries again")
      }
    }
    return this.#editor
  }

  #open(openEditor: EditorModule["openEditor"]): void {
    const id = `snippet-hint-${++hints}`
    const hint = element("p", "snippet-hint", { id }, "Tab indents, Escape leaves, Ctrl+Enter runs.")
    const editing = element("div", "snippet-editing")
    this.#place.hidden = true
    this.#place.after(editing)
    this.#editor = openEditor(editing, {
      ...this.#options,
      text: this.#code.text,
      label: `Code: ${this.#header.title}`,
      describedBy: id,
      firstLine: this.#code.firstLine,
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
