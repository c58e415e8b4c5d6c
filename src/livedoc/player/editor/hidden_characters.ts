import { type EditorState, type Extension, StateField } from "@codemirror/state"
import { Decoration, type DecorationSet, EditorView, WidgetType } from "@codemirror/view"

/** What is hidden in code, and how a hidden character is shown. */
export interface Hidden {
  pattern: RegExp
  mark(character: string): HTMLElement
}

/** Shows a mark in the place of each hidden character. */
export function marking({ pattern, mark }: Hidden): Extension {
  const marks = ({ doc }: EditorState) => {
    const matches = [...doc.toString().matchAll(pattern)]
    return Decoration.set(
      matches.map(({ 0: character, index }) =>
        Decoration.replace({ widget: new Mark(character, mark) }).range(index, index + character.length),
      ),
    )
  }
  return StateField.define<DecorationSet>({
    create: marks,
    update: (before, { docChanged, state }) => (docChanged ? marks(state) : before),
    provide: (field) => EditorView.decorations.from(field),
  })
}

class Mark extends WidgetType {
  readonly #character: string
  readonly #mark: Hidden["mark"]

  constructor(character: string, mark: Hidden["mark"]) {
    super()
    this.#character = character
    this.#mark = mark
  }

  override eq(other: Mark): boolean {
    return other.#character === this.#character
  }

  override toDOM(): HTMLElement {
    return this.#mark(this.#character)
  }

  override ignoreEvent(): boolean {
    return false // a click puts the cursor beside it
  }
}
