import { syntaxTree } from "@codemirror/language"
import type { EditorState, Extension, Range } from "@codemirror/state"
import { Decoration, type DecorationSet, type EditorView, ViewPlugin, type ViewUpdate } from "@codemirror/view"
import type { PythonNames } from "./completion.ts"

type SyntaxNode = ReturnType<ReturnType<typeof syntaxTree>["resolve"]>

/** Gives each token the class that Pygments gives it in a static block. The same rules colour both. */
export function pygmentsHighlighting({ builtins, exceptions, magic }: PythonNames): Extension {
  const kinds = { nb: builtins, ne: exceptions, fm: magic, bp: ["self", "cls", "Ellipsis", "NotImplemented"] }
  const words = new Map(Object.entries(kinds).flatMap(([kind, names]) => names.map((name) => [name, kind])))
  return ViewPlugin.fromClass(
    class {
      decorations: DecorationSet

      constructor(view: EditorView) {
        this.decorations = tokens(view, words)
      }

      update({ view, state, startState, docChanged, viewportChanged }: ViewUpdate): void {
        if (docChanged || viewportChanged || syntaxTree(state) !== syntaxTree(startState)) {
          this.decorations = tokens(view, words)
        }
      }
    },
    { decorations: (plugin) => plugin.decorations },
  )
}

function tokens({ state, visibleRanges }: EditorView, words: ReadonlyMap<string, string>): DecorationSet {
  const marks: Range<Decoration>[] = []
  const add = (from: number, to: number, kind: string) => {
    if (from < to && kind) marks.push(mark(kind).range(from, to))
  }
  for (const { from, to } of visibleRanges) {
    syntaxTree(state).iterate({
      from,
      to,
      enter({ node }) {
        if (node.name === "String" || node.name === "FormatString" || node.name === "FormatSpec") {
          addString(node, state, add)
        } else if (!node.firstChild) {
          add(node.from, node.to, kindOf(node, state, words))
        } else {
          for (const gap of gaps(node, node.from)) {
            // The parser has no node for some operators: `->`, the `/` of parameters.
            for (const { index, 0: text } of state.sliceDoc(gap.from, gap.to).matchAll(/[^\s\\]+/g)) {
              add(gap.from + index, gap.from + index + text.length, "o")
            }
          }
        }
      },
    })
  }
  return Decoration.set(marks, true)
}

/** Adds what a string has besides the expressions in it. */
function addString(node: SyntaxNode, state: EditorState, add: Add): void {
  const text = state.sliceDoc(node.from, node.to)
  const prefix = node.name === "FormatSpec" ? "" : (/^\w*/.exec(text)?.[0] ?? "")
  const start = node.from + prefix.length
  add(node.from, start, "sa")
  const line = state.doc.lineAt(node.from)
  if (/^[rub]*("""|''')/i.test(text) && /^\s*$/.test(state.sliceDoc(line.from, node.from))) {
    return add(start, node.to, "sd")
  }
  const escape = new RegExp([/f/i.test(prefix) ? DOUBLED : NONE, /r/i.test(prefix) ? NONE : ESCAPE].join("|"), "g")
  for (const { from, to } of gaps(node, start)) {
    let end = from
    for (const { index, 0: escaped } of state.sliceDoc(from, to).matchAll(escape)) {
      add(end, from + index, "s2")
      end = from + index + escaped.length
      add(from + index, end, "se")
    }
    add(end, to, "s2")
  }
}

/** The parts of a node, from `start` on, that its children leave. What the parser takes for an escape isn't a child here. */
function* gaps(node: SyntaxNode, start: number): Generator<{ from: number; to: number }> {
  let end = start
  for (let child = node.firstChild; child; child = child.nextSibling) {
    if (child.name === "Escape") continue
    yield { from: end, to: child.from }
    end = child.to
  }
  yield { from: end, to: node.to }
}

// As Pygments has them.
const ESCAPE = String.raw`\\(?:[\\abfnrtv"'\n]|N\{.*?\}|u[\da-fA-F]{4}|U[\da-fA-F]{8}|x[\da-fA-F]{2}|[0-7]{1,3})`
const DOUBLED = String.raw`\{\{|\}\}`
const NONE = "(?!)"

function kindOf(node: SyntaxNode, state: EditorState, words: ReadonlyMap<string, string>): string {
  const text = () => state.sliceDoc(node.from, node.to)
  const parent = node.parent?.name ?? ""
  if (node.name === "VariableName") return kindOfName(node, parent, text(), words)
  if (/^Format/.test(parent) && /^[{}:]$/.test(node.name)) return "si"
  if (node.name === "." && isModule(node)) return "nn"
  if (/Op$/.test(node.name)) return "o"
  return KINDS.get(node.name) ?? (/^[a-z]+$/.test(node.name) ? "k" : "")
}

function kindOfName(node: SyntaxNode, parent: string, text: string, words: ReadonlyMap<string, string>): string {
  const known = words.get(text)
  if (parent === "FunctionDefinition") return known === "fm" ? "fm" : "nf"
  if (parent === "ClassDefinition") return "nc"
  if (parent === "Decorator" && node.prevSibling?.name === "At") return "nd"
  if (parent === "CapturePattern" && text === "_") return "k"
  if (isModule(node)) return "nn"
  return known ?? "n"
}

/** Whether a part of a dotted name follows `from`, also the one of `raise`, or `import` without `from`. */
function isModule({ parent, prevSibling }: SyntaxNode): boolean {
  if (parent?.name === "RaiseStatement") return prevSibling?.name === "from"
  if (parent?.name !== "ImportStatement") return false
  for (let before = prevSibling; before; before = before.prevSibling) {
    if (before.name === "import") return !before.prevSibling
    if (before.name === "from") return true
  }
  return false
}

type Add = (from: number, to: number, kind: string) => void

const KINDS = new Map(
  Object.entries({
    At: "nd",
    Boolean: "kc",
    Comment: "c1",
    Ellipsis: "o",
    Escape: "", // see `addString`
    FormatConversion: "si",
    FormatSelfDoc: "si",
    None: "kc",
    Number: "mi",
    PropertyName: "n",
    from: "kn",
    import: "kn",
    print: "nb",
    type: "nb",
  }),
)
for (const operator of [".", "*", "**"]) KINDS.set(operator, "o")
for (const operator of ["and", "in", "is", "not", "or"]) KINDS.set(operator, "ow")
for (const punctuation of "()[]{},:;") KINDS.set(punctuation, "p")

const marks = new Map<string, Decoration>()

function mark(kind: string): Decoration {
  let made = marks.get(kind)
  if (!made) marks.set(kind, (made = Decoration.mark({ class: kind })))
  return made
}
