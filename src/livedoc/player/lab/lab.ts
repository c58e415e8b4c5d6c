import type { AppRequest, Change, Failure } from "../messages.ts"
import type { Place } from "../page/code.ts"
import { element } from "../page/element.ts"
import { withPlaces } from "../page/places.ts"
import { printIn } from "../page/printed.ts"
import type { Runner } from "../page/runner.ts"
import type { Action } from "../page/step.ts"
import { Browser } from "./browser.ts"
import style from "./lab.css"
import { LogPanel } from "./log_panel.ts"
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
  /** A worker for this lab alone. */
  runner: Runner
  /** Goes to a line of the script. */
  goTo: (place: Place) => void
  /** The server has started. */
  started: () => void
}

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
  readonly #stop: HTMLButtonElement
  readonly #browsers: ReadonlyMap<string, Browser>
  readonly #store: StorePanel
  #served = ""

  constructor(options: Options) {
    this.#options = options
    this.#server = new Server(
      options.runner,
      (status, isNews) => this.#show(status, isNews),
      (change) => this.#print(change),
    )
    const press = (text: string, action: () => unknown) => {
      const button = element("button", `lab-button lab-${text.toLowerCase()}`, { type: "button" }, text)
      button.addEventListener("click", action)
      return button
    }
    const start = press("Start", () => void this.start())
    const restart = press("Restart", () => void this.#restart())
    this.#stop = press("Stop", () => this.#server.stop())
    const title = element("p", "lab-title", {}, options.title)
    const buttons = element("div", "lab-buttons", {}, start, restart, this.#stop)
    const head = element("div", "lab-head", {}, title, buttons, this.#status, this.#announcement)
    const panel = (kind: string) => element("div", "lab-panel", panelAttributes(kind, "the server"))
    const [store, log] = [panel("store"), panel("log")]
    this.#store = new StorePanel(store)
    const records = new LogPanel(log)
    const around = {
      ask: (request: AppRequest) => this.#server.ask(request),
      obstacle: () => this.#obstacle(),
      tell: (sentence: string) => this.#tell(sentence),
      took: (hop: Hop) => {
        this.#store.show(hop.answer)
        records.add(hop)
      },
      traceback: (failure: Failure) => this.#traceback(failure),
    }
    this.#browsers = new Map(options.browsers.map((name) => [name, new Browser(name, around)]))
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
      element("div", "lab-parts", {}, ...browsers, server),
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
    if (!["starting", "ready", "busy"].includes(this.#server.state)) await this.#restart()
    await this.#browsers.get(action.browser)?.perform(action)
  }

  /** Ends the server for good: the reader has left. */
  close(): void {
    this.#server.close()
  }

  async #restart(): Promise<void> {
    this.#trouble.replaceChildren()
    this.#printed.replaceChildren()
    this.#printed.hidden = true
    const hadFiles = this.#store.hasFiles
    this.#store.clear()
    this.#served = this.#options.script()
    const failure = await this.#server.start(this.#options.path, this.#served)
    if (failure) this.#trouble.replaceChildren(this.#traceback(failure))
    else if (this.#server.state === "ready") {
      if (hadFiles) this.#tell("The server has started again in an empty folder, without the files that it had.")
      this.#options.started()
    }
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

/** The lab's own style sheet comes with it. */
export function openLab(options: Options): Lab {
  if (!document.adoptedStyleSheets.includes(sheet)) document.adoptedStyleSheets.push(sheet)
  return new Lab(options)
}

const sheet = new CSSStyleSheet()
sheet.replaceSync(style)
