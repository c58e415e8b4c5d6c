import type { Header, LogRecord, WrittenFile } from "../messages.ts"
import { element } from "../page/element.ts"
import { textOf, withSize } from "../page/files.ts"
import { cookieParts, type Part, setCookieParts } from "./cookie_parts.ts"
import type { Verdict } from "./jar.ts"
import type { Hop } from "./visit.ts"

const MOST_EXCHANGES = 30
const MOST_HEADERS = 100
const MOST_PARTS = 30 // of one header
const MOST_CHARACTERS = 2000 // of a value or a body

let meanings = 0 // each is named by an id

/** Requests and responses as they were sent, the newest first. */
export class Wire {
  readonly #list = element("ol", "lab-exchanges", { reversed: "" })
  readonly #empty = element("p", "lab-empty", {}, "What the browser and the server send each other is shown here.")

  constructor(panel: HTMLElement) {
    panel.append(this.#empty, this.#list)
  }

  add(hop: Hop): void {
    this.#empty.hidden = true
    for (const earlier of this.#list.querySelectorAll("details.lab-exchange")) earlier.removeAttribute("open")
    this.#list.prepend(exchange(hop))
    while (this.#list.children.length > MOST_EXCHANGES) this.#list.lastElementChild?.remove()
  }
}

function exchange({ request, answer, verdicts }: Hop): HTMLElement {
  const { method, target, headers, body } = request
  const status = `${answer.status} ${answer.reason}`.trim()
  const milliseconds = `${(answer.seconds * 1000).toFixed(answer.seconds < 0.01 ? 1 : 0)} ms`
  const summary = element("summary", "", {}, `${method} ${shortened(target)}: ${status}, ${milliseconds}`)
  const unread = [...verdicts]
  const open = element(
    "details",
    "lab-exchange",
    { open: "" },
    summary,
    message("Request", `${method} ${target} HTTP/1.1`, headers, body, body.length, () => undefined),
    message("Response", `HTTP/1.1 ${status}`, answer.headers, answer.body, answer.size, () => unread.shift()),
  )
  if (answer.records.length > 0) open.append(records(answer.records))
  if (answer.changed.length + answer.removed.length > 0) open.append(files(answer.changed, answer.removed))
  return element("li", "", {}, open)
}

/** A request or a response. `verdict` gives, in order, what the browser made of each Set-Cookie. */
function message(
  name: string,
  first: string,
  headers: readonly Header[],
  body: Uint8Array,
  size: number,
  verdict: () => Verdict | undefined,
): HTMLElement {
  const lines = headers.slice(0, MOST_HEADERS).map(([header, value]) => line(header, value, verdict))
  if (headers.length > MOST_HEADERS) lines.push(element("p", "", {}, `and ${headers.length - MOST_HEADERS} more`))
  const shown = element(
    "div",
    "lab-message",
    { role: "group", "aria-label": name },
    element("p", "", {}, shortened(first)),
  )
  shown.append(...lines)
  const text = size === 0 ? "" : textOf(body.subarray(0, MOST_CHARACTERS), size > MOST_CHARACTERS)
  if (text === undefined) shown.append(element("p", "lab-rest", {}, `${size} bytes that aren't text`))
  else if (text) {
    shown.append(element("pre", "lab-body", { tabindex: "0", role: "group", "aria-label": `${name}: body` }, text))
    if (size > MOST_CHARACTERS)
      shown.append(element("p", "lab-rest", {}, `The first ${MOST_CHARACTERS} of ${size} bytes.`))
  }
  return shown
}

function line(name: string, value: string, verdict: () => Verdict | undefined): HTMLElement {
  const label = element("span", "lab-name", {}, `${name}: `)
  const kind = name.toLowerCase()
  if (kind !== "cookie" && kind !== "set-cookie") return element("p", "", {}, label, shortened(value))
  const parts = kind === "cookie" ? cookieParts(value) : setCookieParts(value)
  const shown = element("div", "lab-cookie", {}, element("p", "", {}, label, ...apart(parts)))
  const meaning = element("p", "lab-meaning")
  const explain = (event: Event) => {
    const part = event.target instanceof Element ? event.target.closest("button") : null
    if (part) meaning.textContent = part.nextElementSibling?.textContent ?? ""
  }
  for (const way of ["pointerover", "focusin", "click"]) shown.addEventListener(way, explain)
  meaning.textContent = parts[0]?.meaning ?? ""
  shown.append(meaning)
  const made = kind === "set-cookie" ? verdict() : undefined
  if (made?.kind === "refused") shown.append(element("p", "lab-refused", {}, `The browser refused it: ${made.reason}`))
  return shown
}

/** Each part as a button that explains it. */
function apart(parts: readonly Part[]): (Node | string)[] {
  const shown = parts.slice(0, MOST_PARTS).flatMap(({ before, text, meaning }) => {
    const id = `lab-meaning-${++meanings}`
    const part = element("button", "lab-part", { type: "button", "aria-describedby": id }, shortened(text))
    return [before, part, element("span", "", { id, hidden: "" }, meaning)]
  })
  return parts.length > MOST_PARTS ? [...shown, `; and ${parts.length - MOST_PARTS} more`] : shown
}

/** They are made when the reader first wants to see them. */
function records(logged: readonly LogRecord[]): HTMLElement {
  const text = () =>
    logged.map(({ level, logger, message, extra, traceback }) => {
      const added = extra.map(([name, value]) => ` ${name}=${value}`).join("")
      return `${level} ${logger}: ${message}${added}${traceback && `\n${traceback}`}\n`
    })
  return later(`Log (${logged.length})`, () => {
    return element("pre", "lab-body", { tabindex: "0", role: "group", "aria-label": "Log" }, ...text())
  })
}

function files(changed: readonly WrittenFile[], removed: readonly string[]): HTMLElement {
  const lines = [...changed.map(({ path, size }) => withSize(path, size)), ...removed.map((path) => `${path}, removed`)]
  return later(`Files that changed (${lines.length})`, () => {
    return element("ul", "", {}, ...lines.map((text) => element("li", "", {}, text)))
  })
}

function later(name: string, make: () => HTMLElement): HTMLElement {
  const details = element("details", "lab-server", {}, element("summary", "", {}, name))
  details.addEventListener("toggle", () => details.append(make()), { once: true })
  return details
}

function shortened(text: string): string {
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}… (${text.length} characters)` : text
}
