import {
  type Completion,
  type CompletionContext,
  type CompletionResult,
  autocompletion,
} from "@codemirror/autocomplete"
import { syntaxTree } from "@codemirror/language"
import type { EditorState, Extension } from "@codemirror/state"

/** What src/livedoc/completions.py found. */
export interface Completions {
  modules: Module[]
  python: PythonNames
}

export interface Module {
  name: string
  summary: string
  members: Member[]
}

export interface Member {
  name: string
  kind: "class" | "function" | "property" | "constant"
  /** With the name: `async read(id: str, /) -> bytes`. */
  signature: string
  summary: string
  /** The library's class whose object it gives. */
  gives?: string
  /** What an object of the class has. */
  members?: Member[]
}

/** Names that need no import. */
export interface PythonNames {
  keywords: string[]
  builtins: string[]
  exceptions: string[]
  magic: string[]
}

type SyntaxNode = ReturnType<ReturnType<typeof syntaxTree>["resolve"]>

const WORD = /^\w*$/
const IMPORTED_NAME = /(?:^|\n)[ \t]*from[ \t]+([\w.]+)[ \t]+import\b(?:[^()\n]*|[ \t]*\([^()]*)$/
const IMPORTED_MODULE = /(?:^|\n)[ \t]*(?:from|import)[ \t]+(?:[\w. \t]+,[ \t]*)*([\w.]*)$/
const NO_NAME = new Set(["Comment", "String", "FormatString", "FormatSpec", "Escape"])

/** Completes the names of the library, of Python and of the text itself. */
export function completion({ modules, python }: Completions): Extension {
  const library = new Library(modules)
  const everywhere = [...(modules[0]?.members ?? []).map(option), ...pythonOptions(python)]
  const known = new Set(everywhere.map(({ label }) => label))

  function complete(context: CompletionContext): CompletionResult | null {
    const { state, pos } = context
    if (NO_NAME.has(syntaxTree(state).resolveInner(pos, -1).name)) return null
    const text = state.sliceDoc(0, pos)
    const from = pos - (/\w*$/.exec(text)?.[0].length ?? 0)
    const module = IMPORTED_NAME.exec(text)?.[1]
    if (module) return offer(from, library.module(module)?.members.map(option))
    const path = IMPORTED_MODULE.exec(text)?.[1]
    if (path !== undefined) return { ...offer(pos - path.length, modules.map(moduleOption)), validFor: /^[\w.]*$/ }
    if (text[from - 1] === ".") return offer(from, library.membersBefore(from - 1, state).map(option))
    if (from === pos && !context.explicit) return null
    const own = variables(state, from).filter((name) => !known.has(name))
    return offer(from, [...own.map((label) => ({ label, type: "variable", boost: 1 })), ...everywhere])
  }

  // Few options at once, because nobody could move the focus into a list that scrolls.
  return autocompletion({ override: [complete], icons: false, maxRenderedOptions: 8 })
}

function offer(from: number, options: readonly Completion[] = []): CompletionResult {
  return { from, options, validFor: WORD }
}

function option({ name, kind, signature, summary }: Member): Completion {
  return { label: name, type: kind, info: () => info(signature, summary) }
}

function moduleOption({ name, summary }: Module): Completion {
  return { label: name, type: "module", info: () => info(name, summary) }
}

function info(signature: string, summary: string): Node {
  const panel = document.createElement("div")
  const code = document.createElement("code")
  code.append(signature)
  panel.append(code, summary)
  return panel
}

function pythonOptions({ keywords, builtins, exceptions }: PythonNames): Completion[] {
  const kinds = { keyword: keywords, function: builtins, class: exceptions }
  return Object.entries(kinds).flatMap(([type, names]) => names.map((label) => ({ label, type, boost: -1 })))
}

/** Knows what an object of the library has, as far as a text tells without being run. */
class Library {
  readonly #modules: Map<string, Module>
  readonly #names: Map<string, Member>

  constructor(modules: readonly Module[]) {
    this.#modules = new Map(modules.map((module) => [module.name, module]))
    this.#names = new Map(modules.flatMap(({ members }) => members.map((member) => [member.name, member])))
  }

  module(name: string): Module | undefined {
    return this.#modules.get(name)
  }

  /** The members of what stands before the dot at `dot`. If the text does not tell its class, of all classes. */
  membersBefore(dot: number, state: EditorState): Member[] {
    const owner = syntaxTree(state).resolveInner(dot, 1).prevSibling
    if (!owner) return []
    const module = this.#modules.get(state.sliceDoc(owner.from, owner.to))
    if (module) return module.members
    const found = this.#classOf(owner, state)
    if (found) return found.members ?? []
    return this.#isForeign(owner, state) ? [] : this.#everyMember()
  }

  #classOf(node: SyntaxNode | null, state: EditorState): Member | undefined {
    if (!node) return undefined
    const text = state.sliceDoc(node.from, node.to)
    switch (node.name) {
      case "VariableName":
        return this.#classNamed(text) ?? this.#classOf(valueOf(text, node.from, state), state)
      case "CallExpression":
        return this.#given(node.firstChild, state)
      case "MemberExpression":
        return node.lastChild?.name === "]" ? this.#classOf(node.firstChild, state) : this.#given(node, state)
      case "AwaitExpression":
        return this.#classOf(node.lastChild, state)
      case "ParenthesizedExpression":
        return this.#classOf(node.firstChild?.nextSibling ?? null, state)
      case "TypeDef":
        return this.#classOf(node.lastChild, state)
    }
    return undefined
  }

  /** The class of what a call of `node`, or a look at that property, gives. */
  #given(node: SyntaxNode | null, state: EditorState): Member | undefined {
    if (!node) return undefined
    const name = node.lastChild ?? node
    const text = state.sliceDoc(name.from, name.to)
    const owner = name === node ? undefined : this.#classOf(node.firstChild, state)
    const member = owner ? owner.members?.find(({ name }) => name === text) : this.#names.get(text)
    return member?.kind === "class" ? member : this.#classNamed(member?.gives)
  }

  #classNamed(name: string | undefined): Member | undefined {
    const member = this.#names.get(name ?? "")
    return member?.kind === "class" ? member : undefined
  }

  /** Whether it is surely none of the library's: a literal, or what another package was imported for. */
  #isForeign(node: SyntaxNode, state: EditorState): boolean {
    if (/Expression$/.test(node.name)) return false
    return node.name !== "VariableName" || isImported(state.sliceDoc(node.from, node.to), state)
  }

  #everyMember(): Member[] {
    const members = [...this.#names.values()].flatMap(({ members = [] }) => members)
    return [...new Map(members.map((member) => [member.name, member])).values()]
  }
}

/** The names in the text, but for the one that is being typed at `typed`. */
function variables(state: EditorState, typed: number): string[] {
  const names = new Set<string>()
  syntaxTree(state).iterate({
    enter({ name, from, to }) {
      if (name === "VariableName" && from !== typed) names.add(state.sliceDoc(from, to))
    },
  })
  return [...names]
}

/** What the text last said of a variable: the value assigned to it, or its annotation. */
function valueOf(name: string, before: number, state: EditorState): SyntaxNode | null {
  let value: SyntaxNode | null = null
  syntaxTree(state).iterate({
    to: before,
    enter({ node }) {
      if (node.name !== "VariableName" || state.sliceDoc(node.from, node.to) !== name) return
      const { nextSibling, prevSibling, parent } = node
      if (nextSibling?.name === "TypeDef") value = nextSibling
      else if (nextSibling?.name === "AssignOp" && parent && parent.to <= before) value = nextSibling.nextSibling
      else if (prevSibling?.name === "as" && parent?.name === "WithStatement") value = prevSibling.prevSibling
    },
  })
  return value
}

function isImported(name: string, state: EditorState): boolean {
  let found = false
  syntaxTree(state).iterate({
    enter({ node }) {
      const named = node.name === "VariableName" && state.sliceDoc(node.from, node.to) === name
      if (named && node.parent?.name === "ImportStatement") found = true
    },
  })
  return found
}
