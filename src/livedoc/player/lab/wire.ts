import type { Header } from "../messages.ts"
import { element } from "../page/element.ts"
import { textOf } from "../page/files.ts"
import { cookieParts, setCookieParts } from "./cookie_parts.ts"
import { explained, MOST_CHARACTERS, shortened } from "./explanation.ts"
import type { Verdict } from "./jar.ts"
import { type Hop, statusOf, summaryOf } from "./visit.ts"

const MOST_EXCHANGES = 30
const MOST_HEADERS = 100

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

function exchange(hop: Hop): HTMLElement {
  const { request, answer, verdicts } = hop
  const { method, target, headers, body } = request
  const summary = element("summary", "", {}, shortened(summaryOf(hop)))
  const unread = [...verdicts]
  const open = element(
    "details",
    "lab-exchange",
    { open: "" },
    summary,
    message("Request", `${method} ${target} HTTP/1.1`, headers, body, body.length, () => undefined),
    message("Response", `HTTP/1.1 ${statusOf(answer)}`, answer.headers, answer.body, answer.size, () => unread.shift()),
  )
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
  const shown = explained(parts, label)
  const made = kind === "set-cookie" ? verdict() : undefined
  if (made?.kind === "refused") shown.append(element("p", "lab-refused", {}, `The browser refused it: ${made.reason}`))
  return shown
}
