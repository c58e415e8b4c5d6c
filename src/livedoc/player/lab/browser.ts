import type { Answer, AppRequest, Failure } from "../messages.ts"
import { element } from "../page/element.ts"
import { hex } from "../page/files.ts"
import type { BrowserAction } from "../page/step.ts"
import { short, typed } from "./address.ts"
import { BODIES, formBody, queryOf, typedBody } from "./body.ts"
import { contentOf } from "./content.ts"
import { shortened } from "./explanation.ts"
import { sending, shownDocument } from "./document.ts"
import { fileNews } from "./changes.ts"
import { Jar, type KeptCookie } from "./jar.ts"
import { JarPanel } from "./jar_panel.ts"
import { panelAttributes, tabsFor } from "./tabs.ts"
import { type Arrival, type Hop, ORIGIN, statusOf, visit, type Wish } from "./visit.ts"
import { Wire } from "./wire.ts"

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
const MOST_TYPED = 100_000 // characters
const MOST_SAID = 100 // characters of an address or a name in a sentence

/** What a browser needs of its lab. */
export interface Surroundings {
  /** The time of the lab, in milliseconds since 1970. */
  clock: () => number
  /** What the server answers; undefined: nothing, and the lab says why. */
  ask: (request: AppRequest) => Promise<Answer | undefined>
  /** Why the server can't be asked now. Empty: it can. */
  obstacle: () => string
  /** Says what came of something that the reader did. */
  tell: (sentence: string) => void
  /** A request was answered. */
  took: (hop: Hop) => void
  /** Whose the other browsers of the lab are. */
  others: () => readonly string[]
  /** Puts a cookie into the browser of `receiver`, too. */
  copy: (cookie: KeptCookie, jar: Jar, receiver: string) => void
  /** Shows an exception of the app. */
  traceback: (failure: Failure) => HTMLElement
}

/** The request was given up: the lab has said why. */
class GivenUp extends Error {}

let browsers = 0 // their parts are named by ids

/** A browser for the app of a lab: its address, its page, its cookies, and what it sends. */
export class Browser {
  readonly element: HTMLElement
  readonly #around: Surroundings
  readonly #jar: Jar
  readonly #wire: Wire
  readonly #address: HTMLInputElement
  readonly #method: HTMLSelectElement
  readonly #body: HTMLTextAreaElement
  readonly #kind: HTMLSelectElement
  readonly #page: HTMLElement
  readonly #cookies: JarPanel
  readonly #arrange: () => void

  constructor(name: string, around: Surroundings) {
    this.#around = around
    this.#jar = new Jar(around.clock)
    const id = `lab-browser-${++browsers}`
    const options = (values: string[]) => values.map((value) => element("option", "", {}, value))
    const field = { autocomplete: "off", autocapitalize: "off", spellcheck: "false", translate: "no" }
    this.#method = element("select", "", { id: `${id}-method`, translate: "no" }, ...options(METHODS))
    this.#address = element("input", "", { id: `${id}-address`, type: "text", value: "/", maxlength: "2000", ...field })
    this.#kind = element("select", "", { id: `${id}-kind` }, ...options(Object.keys(BODIES)))
    this.#body = element("textarea", "", { id: `${id}-body`, rows: "3", maxlength: String(MOST_TYPED), ...field })
    const body = element("div", "lab-typed", {}, labelled("Send as", this.#kind), labelled("Body", this.#body))
    const form = element(
      "form",
      "lab-form",
      { "aria-label": `Request of ${name}` },
      labelled("Method", this.#method),
      element(
        "div",
        "lab-field lab-address",
        {},
        label("Address", this.#address),
        element("span", "lab-origin", {}, ORIGIN),
        this.#address,
      ),
      element("button", "lab-send", { type: "submit" }, "Send"),
      body,
    )
    this.#arrange = () => {
      body.hidden = ["GET", "HEAD"].includes(this.#method.value)
      this.#body.placeholder = BODIES[this.#kind.value]?.hint ?? ""
    }
    for (const select of [this.#method, this.#kind]) select.addEventListener("change", this.#arrange)
    this.#arrange()
    form.addEventListener("submit", (event) => {
      event.preventDefault()
      void this.#send()
    })
    const panel = (kind: string) => panelAttributes(kind, name)
    this.#page = element("div", "lab-panel", panel("page"))
    this.#page.append(element("p", "lab-empty", {}, "Send asks the app for a page, and shows it here."))
    const wire = element("div", "lab-panel", { ...panel("wire"), tabindex: "-1" })
    this.#wire = new Wire(wire)
    const jar = element("div", "lab-panel", panel("jar"))
    this.#cookies = new JarPanel(jar, name, this.#jar, around.tell, around.others, (cookie, receiver) =>
      around.copy(cookie, this.#jar, receiver),
    )
    const panels = element("div", "lab-panels", {}, this.#page, wire, jar)
    const tabs = tabsFor({ Page: this.#page, Wire: wire, Jar: jar }, `Panels of ${name}`)
    this.element = element("section", "lab-browser", { "data-browser": name, "aria-label": `Browser of ${name}` })
    if (around.others().length > 0) this.element.append(element("p", "lab-owner", {}, name))
    this.element.append(form, tabs, panels)
  }

  /** The time is another one. Gives the names of the cookies that have expired. */
  age(): string[] {
    return this.#cookies.age()
  }

  /** Takes a cookie out of the jar of another browser. */
  receive(cookie: KeptCookie, jar: Jar, from: string): void {
    this.#jar.receive(cookie, jar, from)
    this.#cookies.show()
  }

  /** Does what a step says, with the controls that the reader has. */
  async perform(action: BrowserAction): Promise<void> {
    if (action.kind === "copy") return this.#cookies.copy(action.cookie, action.receiver)
    if (action.kind === "cookie") return this.#cookies.perform(action.action, action.cookie)
    this.#method.value = action.method
    this.#address.value = action.target
    this.#kind.value = "Fields"
    this.#body.value = [...new URLSearchParams(action.body)].map(([name, value]) => `${name}=${value}`).join("\n")
    this.#arrange()
    await this.#send()
  }

  async #send(): Promise<void> {
    const address = typed(this.#address.value)
    if (typeof address === "string") return this.#around.tell(address)
    const method = this.#method.value
    const body = ["GET", "HEAD"].includes(method) ? undefined : typedBody(this.#kind.value, this.#body.value)
    await this.#visit(body ? { method, address, body } : { method, address })
  }

  async #visit(wish: Wish): Promise<void> {
    const obstacle = this.#around.obstacle()
    if (obstacle) return this.#around.tell(obstacle)
    const hops: Hop[] = []
    const ask = async (request: AppRequest) => {
      const answer = await this.#around.ask(request)
      if (!answer) throw new GivenUp()
      return answer
    }
    const took = (hop: Hop) => {
      hops.push(hop)
      this.#wire.add(hop)
      this.#cookies.show()
      this.#around.took(hop)
    }
    try {
      this.#show(await visit(wish, this.#jar, ask, took), hops)
    } catch (error) {
      if (!(error instanceof GivenUp)) throw error
      this.#page.replaceChildren(element("p", "lab-trouble", {}, "The server sent no response."))
    }
  }

  #show({ hop, trouble }: Arrival, hops: readonly Hop[]): void {
    const { answer, address, request } = hop
    if (request.method === "GET") {
      // As in an address bar: sent once more, it is this page.
      this.#address.value = short(address)
      this.#method.value = request.method
      this.#arrange()
    }
    const status = statusOf(answer)
    const way = hops.map((each) =>
      element("li", "", {}, `${each.request.method} ${shortened(each.request.target)}: ${statusOf(each.answer)}`),
    )
    this.#page.replaceChildren(element("ol", "lab-hops", { "aria-label": "Requests" }, ...way))
    if (trouble) this.#page.append(element("p", "lab-trouble", {}, trouble))
    this.#page.append(...this.#content(answer, address))
    if (answer.failure) this.#page.append(this.#around.traceback(answer.failure))
    requestAnimationFrame(() => (this.#page.scrollTop = 0)) // the browser lays it out then, and not twice
    const failed = answer.failure ? `The app raised ${answer.failure.error}.` : ""
    const asked = hops[0]?.request ?? request
    const [first, last] = [asked, request].map(({ method, target }) => `${method} ${shortened(target, MOST_SAID)}`)
    const led = hops.length > 1 ? `led to ${last}, which was` : "was"
    const sentences = [
      `${first} ${led} answered with ${status}.`,
      ...cookieNews(hops),
      ...fileNews(hops),
      failed,
      trouble,
    ]
    this.#around.tell(sentences.filter(Boolean).join(" "))
  }

  #content(answer: Answer, address: URL): HTMLElement[] {
    const content = contentOf(answer)
    if (content.kind === "nothing") return [element("p", "lab-empty", {}, "The response has no body.")]
    if (content.kind === "bytes") {
      const what = element("p", "", {}, `${answer.size} bytes of ${content.type}. They begin with:`)
      return [what, preformatted("Bytes", hex(answer.body.subarray(0, 256)))]
    }
    const rest = content.isCut ? [element("p", "lab-rest", {}, "The rest is not shown.")] : []
    if (content.kind === "text") return [preformatted("Text", content.text), ...rest]
    const shown = shownDocument(content.text, address, (link) => {
      if ("address" in link) this.#follow({ method: "GET", address: link.address })
      else void this.#submit(link.form, link.submitter, address)
    })
    return [shown, ...rest]
  }

  async #submit(form: HTMLFormElement, submitter: HTMLElement | null, from: URL): Promise<void> {
    const { address, method, encoding } = sending(form, submitter, from)
    const data = new FormData(form, submitter)
    if (method === "POST") return this.#follow({ method, address, body: await formBody(data, encoding) })
    const asked = new URL(address)
    asked.search = queryOf(data)
    this.#follow({ method, address: asked })
  }

  #follow(wish: Wish): void {
    if (wish.address.origin === ORIGIN) void this.#visit(wish)
    else
      this.#around.tell(
        `This leads out of the app, to ${shortened(wish.address.href, MOST_SAID)}: the lab doesn't go there.`,
      )
  }
}

/** What the browser did with cookies: "The browser stored VISIT." */
function cookieNews(hops: readonly Hop[]): string[] {
  return (["stored", "removed", "refused"] as const).flatMap((kind) => {
    const verdicts = hops.flatMap(({ verdicts }) => verdicts).filter((verdict) => verdict.kind === kind)
    const all = verdicts.map(({ name }) => shortened(name, MOST_SAID) || "a cookie without a name")
    const names = [...new Set(all)].slice(0, 5)
    return names.length > 0 ? [`The browser ${kind} ${names.join(", ")}.`] : []
  })
}

function preformatted(name: string, text: string): HTMLElement {
  return element("pre", "lab-body", { tabindex: "0", role: "group", "aria-label": name }, text)
}

function label(text: string, control: HTMLElement): HTMLElement {
  return element("label", "", { for: control.id }, text)
}

function labelled(text: string, control: HTMLElement): HTMLElement {
  return element("div", "lab-field", {}, label(text, control), control)
}
