import {
  acceptCompletion,
  closeBrackets,
  closeBracketsKeymap,
  closeCompletion,
  currentCompletions,
  selectedCompletion,
} from "@codemirror/autocomplete"
import { history, historyKeymap, indentLess, indentMore, standardKeymap } from "@codemirror/commands"
import { pythonLanguage } from "@codemirror/lang-python"
import { bracketMatching, indentOnInput, indentUnit } from "@codemirror/language"
import { EditorState, type Extension, Prec, StateEffect, StateField } from "@codemirror/state"
import { Decoration, type DecorationSet, EditorView, type KeyBinding, keymap } from "@codemirror/view"
import { type Completions, completion } from "./completion.ts"
import style from "./editor.css"
import { type Hidden, marking } from "./hidden_characters.ts"
import { pygmentsHighlighting } from "./highlighting.ts"
import { lineNumbers } from "./line_numbers.ts"

export { followed } from "./source.ts"

/** Put there by the bundler. */
declare const COMPLETIONS: Completions

export interface Editor {
  readonly text: string
  /** Puts another text in place of all, with a history of its own. */
  replace(text: string): void
  /** Marks a line, counted from 1, as the one that failed; one that is not there takes the mark away. An edit of that line does so too. */
  mark(line: number | undefined): void
  /** Puts the cursor into a line and takes the focus. The line comes into the middle of the view, or only into view. */
  goTo(line: number, y: "center" | "nearest"): void
  focus(): void
  /** Styles the editor again: instant navigation takes CodeMirror's style sheet out of `<head>`. */
  restyle(): void
  /** Takes the editor out of the page. */
  close(): void
}

export interface Options {
  text: string
  label: string
  /** The id of the element that says which keys do what. */
  describedBy: string
  hidden: Hidden
  /** Called with the text whenever the reader changed it, by undo too. */
  changed(text: string): void
  run(): void
  leave(): void
}

// Milliseconds in which Tab goes on instead of indenting, unless another key is pressed: who passes by is not held up.
const UNTIL_A_KEY = 1e9

const sheet = new CSSStyleSheet()
sheet.replaceSync(style)
// Not in <head>: instant navigation takes out of it what the next page does not have.
document.adoptedStyleSheets.push(sheet)

export function openEditor(parent: HTMLElement, options: Options): Editor {
  const open = (text: string) => EditorState.create({ doc: text, extensions: extensions(options) })
  const view = new EditorView({ parent, state: open(options.text) })
  return {
    get text() {
      return view.state.doc.toString()
    },
    replace(text) {
      view.setState(open(text))
    },
    mark(line) {
      view.dispatch({ effects: failed.of(line) })
      if (line !== undefined) view.scrollDOM.scrollLeft = 0 // its beginning is what is looked for
    },
    goTo(line, y) {
      const { from } = view.state.doc.line(Math.min(line, view.state.doc.lines))
      view.dispatch({ selection: { anchor: from }, effects: EditorView.scrollIntoView(from, { y }) })
      this.focus()
    },
    focus() {
      view.focus()
      view.setTabFocusMode(false) // the reader has come to write
    },
    restyle() {
      view.setState(view.state)
    },
    close() {
      view.destroy()
    },
  }
}

function extensions({ label, describedBy, hidden, changed, run, leave }: Options): Extension {
  return [
    pythonLanguage,
    pygmentsHighlighting(COMPLETIONS.python),
    Prec.highest(keymap.of(keys(run, leave))), // before the ones of the completion
    completion(COMPLETIONS),
    indentUnit.of("    "),
    EditorState.tabSize.of(4),
    indentOnInput(),
    marking(hidden),
    bracketMatching(),
    closeBrackets(),
    history(),
    failedLine,
    lineNumbers(),
    keymap.of([...closeBracketsKeymap, ...historyKeymap, ...standardKeymap]),
    EditorView.editorAttributes.of({ class: "highlight" }),
    EditorView.contentAttributes.of({ "aria-label": label, "aria-describedby": describedBy, tabindex: "0" }),
    EditorView.domEventHandlers({ focus: (_, view) => view.setTabFocusMode(UNTIL_A_KEY) }),
    EditorView.updateListener.of(({ docChanged, state }) => {
      if (docChanged) changed(state.doc.toString())
    }),
  ]
}

function keys(run: () => void, leave: () => void): KeyBinding[] {
  return [
    { key: "Mod-Enter", run: (view) => (closeCompletion(view), run(), true) },
    { key: "Escape", run: (view) => closeOrLeave(view, leave) },
    { key: "Enter", run: isComplete },
    { key: "Tab", run: (view) => acceptCompletion(view) || indentMore(view), shift: indentLess },
  ]
}

/** Enter after a complete word ends the line, although completions may be offered. */
function isComplete(view: EditorView): false {
  const { from, to } = view.state.wordAt(view.state.selection.main.head) ?? { from: 0, to: 0 }
  if (selectedCompletion(view.state)?.label === view.state.sliceDoc(from, to)) closeCompletion(view)
  return false
}

/** Escape closes what lies over the text, or else leaves it. Otherwise Tab would be a trap. */
function closeOrLeave(view: EditorView, leave: () => void): boolean {
  const covered = currentCompletions(view.state).length > 0
  closeCompletion(view)
  if (!covered) leave()
  return true
}

const failed = StateEffect.define<number | undefined>()

const failedLine = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(lines, { changes, effects, state, startState }) {
    const kept = lines.update({
      filter: (from) => !changes.touchesRange(from, startState.doc.lineAt(from).to),
    })
    const line = effects.filter((effect) => effect.is(failed)).at(-1)
    if (!line) return kept.map(changes)
    if (line.value === undefined || line.value < 1 || line.value > state.doc.lines) return Decoration.none
    return Decoration.set(failedMark.range(state.doc.line(line.value).from))
  },
  provide: (field) => EditorView.decorations.from(field),
})

const failedMark = Decoration.line({ class: "cm-failedLine" })
