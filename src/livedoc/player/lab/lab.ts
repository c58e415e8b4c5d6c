import type { Answer, AppRequest, Change, Control, Failure, Values } from "../messages.ts"
import { doAhead } from "../page/ahead.ts"
import type { Place } from "../page/code.ts"
import { element } from "../page/element.ts"
import { withPlaces } from "../page/places.ts"
import { printIn } from "../page/printed.ts"
import type { Runner } from "../page/runner.ts"
import type { Action } from "../page/step.ts"
import { Browser } from "./browser.ts"
import { storeOn } from "./changes.ts"
import { Controls } from "./controls.ts"
import style from "./lab.css"
import type { Jar, KeptCookie } from "./jar.ts"
import { LogPanel } from "./log_panel.ts"
import { Plug } from "./plug.ts"
import { Server } from "./server.ts"
import { StorePanel } from "./store_panel.ts"
import { panelAttributes, tabsFor } from "./tabs.ts"
import type { Hop } from "./visit.ts"

export interface Options {
  /** The path of the snippet. */
  path: string
  /** What the lab is called. */
  title: string
  /** The names of its browsers. */
  browsers: readonly string[]
  /** The script as it is now. */
  script: () => string
  /** Gives a worker for this lab alone. */
  openRunner: () => Runner
  /** Goes to a line of the script. */
  goTo: (place: Place) => void
  /** The server has started. */
  started: () => void
  /** What the controls are set to at first, where the script has them. */
  values: Values
  /** Makes a link to the script with these values, and gives what there is to say of that. */
  share: (values: Values) => Promise<string>
}

const ENOUGH = 4 // gigabytes of memory for a second Python. Where a browser doesn't say how many there are, a reader has to come near
const MOST_PRINTED = 100_000 // characters that are kept of what the server prints

/** A server with the app of a snippet, and browsers for it. */
export class Lab {
  readonly element: HTMLElement
  readonly #options: Options
  readonly #server: Server
  readonly #status = element("p", "lab-status")
  readonly #announcement = element("p", "lab-announcement", { role: "status" })
  readonly #trouble = element("div", "lab-problem")
  readonly #printed = element("pre", "lab-body", {
    tabindex: "0",
    role: "group",
    "aria-label": "What the server printed",
  })
  readonly #again: HTMLButtonElement
  readonly #stop: HTMLButtonElement
  readonly #browsers: ReadonlyMap<string, Browser>
  readonly #store: StorePanel
  readonly #records: LogPanel
  readonly #controls: Controls
  readonly #plug: Plug
  #served = ""
  #spared = "" // what is to be said after a request that has not reached the operation at which the plug was to be pulled
  #starts = 0

  constructor(options: Options) {
    this.#options = options
    this.#server = new Server(
      options.openRunner,
      (status, isNews) => this.#show(status, isNews),
      (change) => this.#print(change),
    )
    const press = (text: string, action: () => unknown) => {
      const button = element("button", `lab-button lab-${text.toLowerCase()}`, { type: "button" }, text)
      button.addEventListener("click", action)
      return button
    }
    const start = press("Start", () => void this.start())
    this.#again = press("Restart", () => void this.#restart())
    this.#stop = press("Stop", () => this.#server.stop())
    const share = press("Share", async () => this.#tell(`${await options.share(this.#controls.values)}.`))
    const controls = element("div", "lab-controls", { role: "group", "aria-label": "Controls" })
    this.#controls = new Controls(controls, options.values, (control) => this.#turned(control))
    const title = element("p", "lab-title", {}, options.title)
    this.#plug = new Plug(
      (sentence) => this.#tell(sentence),
      (sentence) => this.#records.note(sentence, "plug"),
    )
    const buttons = element("div", "lab-buttons", {}, start, this.#again, this.#stop, share)
    const head = element(
      "div",
      "lab-head",
      {},
      title,
      buttons,
      this.#plug.element,
      controls,
      this.#status,
      this.#announcement,
    )
    const panel = (kind: string) => element("div", "lab-panel", panelAttributes(kind, "the server"))
    const [store, log] = [panel("store"), panel("log")]
    this.#store = new StorePanel(store)
    this.#records = new LogPanel(log)
    const around = {
      clock: () => this.#time,
      ask: (request: AppRequest) => this.#ask(request),
      obstacle: () => this.#obstacle(),
      traceback: (failure: Failure) => this.#traceback(failure),
    }
    const { browsers: names } = options
    this.#browsers = new Map(
      names.map((name) => {
        const others = () => names.filter((each) => each !== name)
        const sender = names.length > 1 ? `${name}: ` : ""
        const tell = (sentence: string) => {
          this.#tell(sender + [sentence, this.#spared].filter(Boolean).join(" "))
          this.#spared = ""
        }
        const took = (hop: Hop) => {
          this.#store.show(hop.answer)
          this.#records.add(hop, sender)
        }
        const copy = (cookie: KeptCookie, jar: Jar, receiver: string) => this.#copy(cookie, jar, name, receiver)
        return [name, new Browser(name, { ...around, tell, took, others, copy })]
      }),
    )
    const tabs = tabsFor({ Store: store, Log: log }, "Panels of the server")
    const server = element("div", "lab-server", {}, tabs, element("div", "lab-panels", {}, store, log))
    const browsers = [...this.#browsers.values()].map((browser) => browser.element)
    const attributes = { "data-lab": options.path, "data-state": "idle", "aria-label": options.title }
    this.element = element(
      "section",
      "lab",
      { ...attributes, translate: "no" },
      head,
      this.#trouble,
      this.#printed,
      element("div", names.length > 1 ? "lab-parts lab-several" : "lab-parts", {}, ...browsers, server),
    )
    this.#printed.hidden = true
    this.#show("Start starts the server", false)
  }

  /** Starts the server, unless it is running. */
  async start(): Promise<void> {
    const { state } = this.#server
    if (state === "starting") return this.#tell("The server is starting already.")
    if (state === "ready" || state === "busy")
      return this.#tell("The server is running already: Restart starts it again.")
    await this.#restart()
  }

  /** Does what a step says. Starts the server first, unless it is running. */
  async perform(action: Action): Promise<void> {
    if (action.kind === "restart") return this.#restart()
    if (!["starting", "ready", "busy"].includes(this.#server.state)) await this.#restart()
    if (action.kind === "plug") return this.#plug.set(action.operation)
    if (action.kind === "control") return this.#controls.set(action.name, action.value)
    await this.#browsers.get(action.browser)?.perform(action)
  }

  /** Sets the controls that there are, as the reader would. */
  set(values: Values): void {
    for (const [name, value] of Object.entries(values)) this.#controls.set(name, value)
  }

  /** Ends the server for good: the reader has left. */
  close(): void {
    this.#server.close()
  }

  async #restart(): Promise<void> {
    this.#trouble.replaceChildren()
    this.#printed.replaceChildren()
    this.#printed.hidden = true
    this.#served = this.#options.script()
    const started = await this.#server.start(this.#options.path, this.#served, this.#controls.values)
    if (!started) return
    if (started.failure) return this.#trouble.replaceChildren(this.#traceback(started.failure))
    this.#controls.show(started.controls)
    this.#store.showStart(started.store)
    doAhead(this.#again, () => this.#getReady())
    this.#starts++
    if (this.#starts > 1) this.#records.note(`Start ${this.#starts}: the server has started again.`)
    this.#options.started()
  }

  async #ask(request: AppRequest): Promise<Answer | undefined> {
    const operation = this.#plug.take()
    const answer = await this.#server.ask(request, this.#controls.values, operation)
    if (answer?.kind === "cut") {
      this.#store.showStart(storeOn(answer.disk))
      this.#records.note(`The plug was pulled before ${answer.operation} ${answer.path}.`)
      this.#getReady()
      return undefined
    }
    if (answer && isRestarted() && (Reflect.get(navigator, "deviceMemory") ?? 0) >= ENOUGH) this.#getReady()
    this.#spared = answer && operation ? `It did no ${operation}, so the server is still running.` : ""
    return answer
  }

  /** Starts the Python of the next start, which then need not wait for it. */
  #getReady(): void {
    this.#server.prepare(this.#options.script())
  }

  #copy(cookie: KeptCookie, jar: Jar, from: string, receiver: string): void {
    this.#browsers.get(receiver)?.receive(cookie, jar, from)
    this.#tell(`${cookie.name} is copied to ${receiver}, whose next request sends it.`)
  }

  /** The reader has set something. */
  #turned(control: Control): void {
    const set = `${control.name} = ${JSON.stringify(control.value)}`
    this.#records.note(set, control.name)
    const expired = [...this.#browsers].flatMap(([name, browser]) =>
      browser.age().map((cookie) => `${cookie} has expired in the jar of ${name}.`),
    )
    this.#tell([`${set} from the next request on.`, ...expired].join(" "))
  }

  /** In milliseconds since 1970. Where the script has a control of this name, the reader sets it. */
  get #time(): number {
    const { now } = this.#controls.values
    return typeof now === "number" ? now * 1000 : Date.now()
  }

  #obstacle(): string {
    const { state } = this.#server
    if (state === "ready") return ""
    if (state === "starting") return "The server is starting: send again once it is running."
    if (state === "busy") return "A request is on its way: wait for its answer, or stop it."
    return "The server isn't running: Start starts it."
  }

  #show(status: string, isNews: boolean): void {
    const { state } = this.#server
    this.element.dataset.state = state
    this.#status.textContent = status
    const isActive = state === "starting" || state === "busy"
    if (!isActive && document.activeElement === this.#stop)
      this.element.querySelector<HTMLElement>(".lab-start")?.focus()
    this.#stop.disabled = !isActive
    if (isNews) this.#announcement.textContent = status
  }

  #tell(sentence: string): void {
    this.#status.textContent = sentence
    this.#announcement.textContent = sentence
  }

  #print(change: Change): void {
    this.#printed.hidden = false
    printIn(this.#printed, change)
    while (this.#printed.textContent.length > MOST_PRINTED) this.#printed.firstChild?.remove()
  }

  #traceback(failure: Failure): HTMLElement {
    const script = this.#served
    const go = (line: number) => this.#options.goTo({ line, script })
    const attributes = { "data-error": "", tabindex: "0", role: "group", "aria-label": "What went wrong" }
    return element("pre", "lab-body", attributes, ...withPlaces(failure.traceback, this.#options.path, go))
  }
}

/** Whether a step of the page's lesson restarts the server. */
function isRestarted(): boolean {
  return document.querySelector(`[data-do*='"restart"']`) !== null
}

/** The lab's own style sheet comes with it. */
export function openLab(options: Options): Lab {
  if (!document.adoptedStyleSheets.includes(sheet)) document.adoptedStyleSheets.push(sheet)
  return new Lab(options)
}

const sheet = new CSSStyleSheet()
sheet.replaceSync(style)
