import type { LogRecord } from "../messages.ts"
import { element } from "../page/element.ts"
import { shortened } from "./explanation.ts"
import { apart, lanesOf } from "./lanes.ts"
import { type Hop, summaryOf } from "./visit.ts"

const MOST_REQUESTS = 30
const MOST_RECORDS = 100 // of each request

/** Shows what was logged during each request, the newest request first. */
export class LogPanel {
  readonly #list = element("ol", "lab-exchanges", { reversed: "" })
  readonly #empty = element("p", "lab-empty", {}, "What the app and its libraries log is shown here, at every level.")

  constructor(panel: HTMLElement) {
    panel.append(this.#empty, this.#list)
  }

  /** Shows what was logged for a request. `sender` says whose it was, where that isn't clear. */
  add(hop: Hop, sender: string): void {
    this.#prepend(request(hop, sender))
  }

  /** Says what has happened to the server itself. One on the same `subject`, and with no request since, takes its place. */
  note(sentence: string, subject = ""): void {
    const last = this.#list.firstElementChild
    if (subject && last?.getAttribute("data-subject") === subject) last.remove()
    this.#prepend(element("li", "", { "data-subject": subject }, element("p", "lab-heading", {}, sentence)))
  }

  #prepend(item: HTMLElement): void {
    this.#empty.hidden = true
    this.#list.prepend(item)
    while (this.#list.children.length > MOST_REQUESTS) this.#list.lastElementChild?.remove()
  }
}

function request(hop: Hop, sender: string): HTMLElement {
  const { records } = hop.answer
  const shown = element("li", "", {}, element("p", "lab-heading", {}, shortened(`${sender}${summaryOf(hop)}`)))
  if (records.length === 0) shown.append(element("p", "lab-rest", {}, "Nothing was logged."))
  const { events, others } = apart(records.slice(0, MOST_RECORDS))
  if (events.length > 0) shown.append(lanesOf(events))
  if (others.length > 0) shown.append(element("ol", "lab-records", {}, ...others.map(line)))
  const more = records.length - MOST_RECORDS
  if (more > 0) shown.append(element("p", "lab-rest", {}, `and ${more} more records`))
  return shown
}

function line({ level, logger, message, extra, traceback }: LogRecord): HTMLElement {
  const source = element("span", "lab-name", {}, `${level} ${logger}`)
  const added = extra.map(([name, value]) => element("span", "lab-extra", {}, `${name}=${rounded(value)}`))
  const shown = element("li", "", {}, source, " ", message, ...added.flatMap((part) => [" ", part]))
  if (traceback) shown.append(element("pre", "lab-content", {}, traceback))
  return shown
}

/** A number without the decimals that say nothing. */
export function rounded(value: string): string {
  return /^-?\d+\.\d{4,}$/.test(value) ? Number(value).toFixed(3) : value
}
