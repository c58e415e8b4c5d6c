/** What an output begins with that is a list of checks: https://testanything.org/tap-version-14-specification.html */
export const TAP = "TAP version 14\n"

/** Told to what is around a block, once its checks have run. `detail` is whether all passed. */
export const CHECKED = "livedoc-checked"

export type Verdict = "pass" | "fail" | "skipped"

/** One line `ok` or `not ok`. */
export interface Point {
  name: string
  verdict: Verdict
  /** Why it was skipped or may fail. */
  reason: string
  /** The lines of its YAML block, as they are. */
  diagnostic: string
}

export interface Report {
  points: Point[]
  /** Why it isn't a whole report: "3 checks did not run". Empty: it is one. */
  trouble: string
}

const POINT = /^(not )?ok\b(?: +(\d+))?(?: +- | +|$)?(.*)$/
const DIRECTIVE = /^(.*?)(?:^|\s+)#\s*(skip|todo)\b\s*(.*)$/i
const PLAN = /^1\.\.(\d+)(?:\s*#\s*(.*))?\s*$/
const BAIL_OUT = /^Bail out!\s*(.*)$/i

/** Reads an output in TAP 14. A subtest is left out: the test point after it says how it ended. */
export function parsed(output: string): Report {
  const lines = output.split("\n").slice(1)
  const points: Point[] = []
  let planned: number | undefined
  let trouble = ""
  while (lines.length > 0) {
    const line = lines.shift() ?? ""
    const [point, plan, bailOut] = [POINT.exec(line), PLAN.exec(line), BAIL_OUT.exec(line)]
    if (point) points.push(pointOf(point, points.length + 1))
    else if (plan) planned = Number(plan[1])
    else if (bailOut) {
      trouble = `the checks were given up${bailOut[1] ? `: ${bailOut[1]}` : ""}`
      break
    } else if (line === "  ---") {
      const end = lines.indexOf("  ...")
      const block = lines.splice(0, end < 0 ? lines.length : end + 1).slice(0, end < 0 ? undefined : -1)
      const last = points.at(-1)
      if (last) last.diagnostic = block.map((each) => each.slice(2)).join("\n")
    }
  }
  return { points, trouble: trouble || missing(points.length, planned) }
}

function pointOf([, failed, number, rest = ""]: RegExpExecArray, next: number): Point {
  const directive = DIRECTIVE.exec(rest)
  const name = unescaped(directive?.[1] ?? rest)
  // A check that is still to do may fail.
  const verdict = directive ? "skipped" : failed ? "fail" : "pass"
  return { name: name || `check ${number ?? next}`, verdict, reason: unescaped(directive?.[3] ?? ""), diagnostic: "" }
}

function unescaped(text: string): string {
  return text.trim().replace(/\\([\\#])/g, "$1")
}

function missing(ran: number, planned: number | undefined): string {
  if (planned === undefined) return "the checks did not come to their end"
  if (ran === planned) return ""
  return `${ran} of ${planned} checks ran`
}

/** "3 of 45 checks fail, 15 are skipped": what is said of a report. */
export function summary({ points, trouble }: Report): string {
  const count = (wanted: Verdict) => points.filter(({ verdict }) => verdict === wanted).length
  const [passed, failed, skipped] = [count("pass"), count("fail"), count("skipped")]
  const all = passed + failed
  const first = failed
    ? `${failed} of ${plural(all)} fail${failed === 1 ? "s" : ""}`
    : `${plural(all)} pass${all === 1 ? "es" : ""}`
  const parts = [first, skipped ? `${skipped} ${skipped === 1 ? "is" : "are"} skipped` : "", trouble]
  return parts.filter(Boolean).join(", ")
}

export function isPassed({ points, trouble }: Report): boolean {
  return !trouble && points.length > 0 && points.every(({ verdict }) => verdict !== "fail")
}

function plural(count: number): string {
  return count === 1 ? "1 check" : `${count} checks`
}

/** The entries of a YAML block with texts in quotes and texts in lines of their own; undefined: it has something else. */
export function entries(diagnostic: string): [key: string, text: string][] | undefined {
  const found: [string, string][] = []
  for (const line of diagnostic.split("\n")) {
    const entry = /^(\w+): (".*"|\|\d?)$/.exec(line)
    const last = found.at(-1)
    if (entry) {
      const [, key = "", value = ""] = entry
      if (value.startsWith("|")) found.push([key, ""])
      else if (isQuoted(value)) found.push([key, JSON.parse(value) as string])
      else return undefined
    } else if (last && (line === "" || line.startsWith("  "))) last[1] += `${line.slice(2)}\n`
    else return undefined
  }
  return found
}

function isQuoted(value: string): boolean {
  try {
    return typeof JSON.parse(value) === "string"
  } catch {
    return false
  }
}
