import { element, required } from "./element.ts"
import style from "./checklist.css"
import { CHECKED, entries, isPassed, parsed, type Point, type Report, summary, type Verdict } from "./tap.ts"

/** A report in TAP as a list, the checks that failed first. */
export interface Checklist {
  list: HTMLElement
  said: string
  isPassed: boolean
}

/** Puts a list in the place of what a block has `printed`. `known` is the report of the page. */
export function checked(block: HTMLElement, printed: HTMLElement, known: string): Checklist {
  const title = required(block, ".snippet-title").textContent
  const home = new URL("../../", import.meta.url)
  const rules = block.dataset.rules ? new URL(block.dataset.rules, home).href : ""
  const made = checklist(title, printed.textContent, rules, known)
  printed.hidden = true
  printed.before(made.list)
  block.dispatchEvent(new CustomEvent(CHECKED, { bubbles: true, detail: made.isPassed }))
  return made
}

/** `title` is that of the block. `rules` is where the site explains a check, without its name; empty: nowhere. */
function checklist(title: string, output: string, rules: string, known: string): Checklist {
  if (!document.adoptedStyleSheets.includes(sheet)) document.adoptedStyleSheets.push(sheet)
  const report = parsed(output)
  const explained = parsed(known).points.map(({ name }) => name)
  const said = summary(report)
  const items = ordered(report).map((point) => item(point, explained.includes(point.name) ? rules : ""))
  const points = element("ul", "checklist-points", {}, ...items)
  const scrollable = { tabindex: "0", "aria-label": `Checks: ${title}` }
  const inside = [element("p", "checklist-said", {}, `${said}.`), points]
  return { list: element("section", "checklist", scrollable, ...inside), said, isPassed: isPassed(report) }
}

const ORDER: readonly Verdict[] = ["fail", "pass", "skipped"]
const WORDS = { fail: "failed", pass: "passed", skipped: "skipped" } as const

function ordered({ points }: Report): Point[] {
  return ORDER.flatMap((wanted) => points.filter(({ verdict }) => verdict === wanted))
}

function item({ name, verdict, reason, diagnostic }: Point, rules: string): HTMLLIElement {
  const word = element("span", "checklist-verdict", { translate: "yes" }, WORDS[verdict])
  const sentence = name.replaceAll("_", " ")
  const made = element("li", "", { "data-check": name, "data-result": verdict }, word, " ", sentence)
  if (reason) made.append(element("span", "checklist-reason", {}, `: ${reason}`))
  if (verdict !== "fail") return made
  if (rules) {
    const link = element("a", "", { href: rules + encodeURIComponent(name), translate: "yes" }, "Why this rule")
    link.ariaLabel = `Why this rule: ${sentence}`
    made.append(" ", link)
  }
  if (diagnostic) made.append(...told(diagnostic))
  return made
}

function told(diagnostic: string): HTMLElement[] {
  const known = entries(diagnostic)
  if (!known) return [element("pre", "", {}, diagnostic)]
  return known.map(([, text]) =>
    text.includes("\n") ? element("pre", "", {}, text) : element("p", "", {}, ...prose(text)),
  )
}

/** A sentence, in which what stands between backticks is code. */
function prose(sentence: string): (Node | string)[] {
  return sentence.split(/`([^`]+)`/).map((part, index) => (index % 2 > 0 ? element("code", "", {}, part) : part))
}

const sheet = new CSSStyleSheet()
sheet.replaceSync(style)
