import type { Extension } from "@codemirror/state"
import { EditorView, ViewPlugin, type ViewUpdate } from "@codemirror/view"

/** Numbers beside the lines. No line wraps and all are equally high, so one text beside them is enough. */
export function lineNumbers(): Extension {
  const numbers = ViewPlugin.define(({ scrollDOM, contentDOM, state }: EditorView) => {
    const gutter = document.createElement("div")
    gutter.className = "cm-numbers"
    gutter.setAttribute("aria-hidden", "true")
    const count = (lines: number) => {
      gutter.textContent = Array.from({ length: lines }, (_, index) => index + 1).join("\n")
    }
    count(state.doc.lines)
    scrollDOM.insertBefore(gutter, contentDOM)
    return {
      gutter,
      update({ startState, state }: ViewUpdate) {
        if (state.doc.lines !== startState.doc.lines) count(state.doc.lines)
      },
      destroy() {
        gutter.remove()
      },
    }
  })
  const margin = (view: EditorView) => ({ left: view.plugin(numbers)?.gutter.offsetWidth ?? 0 })
  return [numbers, EditorView.scrollMargins.of(margin)] // the cursor must not hide behind them
}
