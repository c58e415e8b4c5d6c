import { element, required } from "./element.ts"

export type State = "idle" | "starting" | "running" | "done" | "failed" | "stopped"

/** What happens when a button is pressed, by what it says. */
export type Actions = Readonly<Record<string, () => unknown>>

/** The top of a block: its buttons, and what it says of its state. */
export class Header {
  readonly title: string
  readonly #root: HTMLElement
  readonly #link = element("a", "snippet-link", {}, "Link to this code")
  readonly #status = element("p", "snippet-status", { translate: "yes" })
  readonly #announcement = element("p", "snippet-announcement", { role: "status", translate: "yes" })
  /** What the state is called. */
  #standing = ""

  /** The buttons of `more` are shown when the reader asks for more. */
  constructor(root: HTMLElement, path: string, actions: Actions, more: Actions) {
    this.#root = root
    this.title = root.querySelector(".snippet-title")?.textContent ?? path
    const command = element("code", "", { translate: "no" }, `make setup && .venv/bin/python snippets/${path}`)
    const shell = element("p", "snippet-shell", {}, "To run the original in a clone: ", command)
    const extras = element("div", "snippet-extras", { translate: "yes" }, ...this.#buttons(more), shell, this.#link)
    const disclose = () => {
      extras.hidden = !extras.hidden
      required(root, ".snippet-more").setAttribute("aria-expanded", String(!extras.hidden))
    }
    const named = { role: "group", "aria-label": this.title, translate: "yes" }
    const shown = element("div", "snippet-actions", named, ...this.#buttons({ ...actions, More: disclose }))
    required(root, ".snippet-header").append(shown, this.#status, this.#announcement, extras)
    disclose()
  }

  get state(): string | undefined {
    return this.#root.dataset.state
  }

  get isBusy(): boolean {
    return this.state === "starting" || this.state === "running"
  }

  /** The button that does this. */
  button(verb: "run" | "stop" | "edit"): HTMLButtonElement {
    return required(this.#root, `.snippet-${verb}`) as HTMLButtonElement
  }

  show(state: State, status: string): void {
    const before = this.state
    this.#root.dataset.state = state
    this.#standing = status
    this.restate()
    if (state !== "idle" && state !== before) this.announce(status)
    const { isBusy } = this
    const [run, stop] = [this.button("run"), this.button("stop")]
    run.setAttribute("aria-disabled", String(isBusy))
    if (!isBusy && document.activeElement === stop) run.focus() // a disabled button loses the focus
    stop.disabled = !isBusy
  }

  /** Says the state again, after something else was said. */
  restate(): void {
    this.#status.textContent = this.#standing
  }

  say(status: string): void {
    this.#status.textContent = status
    this.announce(status)
  }

  /** For screen readers: each change of state once, and not each step of a download. */
  announce(text: string): void {
    this.#announcement.textContent = text
  }

  /** Shows a link to the code, or none. */
  showLink(url = ""): void {
    this.#link.hidden = !url
    this.#link.href = url
  }

  /** Their names begin with their verbs and tell them apart from the same buttons of other blocks. */
  #buttons(actions: Actions): HTMLButtonElement[] {
    return Object.entries(actions).map(([verb, press]) => {
      const button = element(
        "button",
        `snippet-${verb.toLowerCase()}`,
        { type: "button", "aria-label": `${verb}: ${this.title}` },
        verb,
      )
      button.addEventListener("click", press)
      return button
    })
  }
}
