import { element } from "../page/element.ts"
import { type Part, setCookieParts } from "./cookie_parts.ts"
import { explained, shortened } from "./explanation.ts"
import type { Jar, KeptCookie, Refusal } from "./jar.ts"

const MOST_COOKIES = 50

/** What a cookie is to a reader, beside what it was when they last looked. */
export interface CookieView {
  cookie: KeptCookie
  mark: "" | "new" | "changed"
  length: string
}

/** The cookies of a jar, each marked by what has happened since `before`: the values then, by name, host and path. */
export function cookieViews(cookies: readonly KeptCookie[], before: ReadonlyMap<string, string>): CookieView[] {
  return cookies.map((cookie) => {
    const earlier = before.get(identity(cookie))
    const mark = earlier === undefined ? "new" : earlier === cookie.value ? "" : "changed"
    const { length } = cookie.value
    return { cookie, mark, length: `${length} character${length === 1 ? "" : "s"}` }
  })
}

export function identity({ name, domain, path }: KeptCookie): string {
  return JSON.stringify([name, domain, path])
}

/** Shows the cookies of a browser, and lets the reader delete them and tamper with them. */
export class JarPanel {
  readonly #panel: HTMLElement
  readonly #owner: string
  readonly #jar: Jar
  readonly #tell: (sentence: string) => void
  readonly #others: () => readonly string[]
  readonly #copy: (cookie: KeptCookie, receiver: string) => void
  #before: ReadonlyMap<string, string> = new Map()

  /** `others` gives the other browsers of the lab, and `copy` puts a cookie into the jar of one. */
  constructor(
    panel: HTMLElement,
    owner: string,
    jar: Jar,
    tell: (sentence: string) => void,
    others: () => readonly string[],
    copy: (cookie: KeptCookie, receiver: string) => void,
  ) {
    this.#panel = panel
    this.#owner = owner
    this.#jar = jar
    this.#tell = tell
    this.#others = others
    this.#copy = copy
    this.show()
  }

  /** Shows the jar as it is now. */
  show(): void {
    const views = cookieViews(this.#jar.cookies, this.#before)
    this.#before = new Map(views.map(({ cookie }) => [identity(cookie), cookie.value]))
    const focused = this.#panel.contains(document.activeElement) ? placeOf(document.activeElement) : undefined
    const shown = views.slice(0, MOST_COOKIES).map((view) => this.#cookie(view))
    const more = views.length - shown.length
    this.#panel.replaceChildren(
      views.length > 0
        ? element("ul", "lab-cookies", {}, ...shown)
        : element("p", "lab-empty", {}, `The jar is empty: ${this.#owner} has no cookie.`),
    )
    if (more > 0) this.#panel.append(element("p", "lab-rest", {}, `and ${more} more`))
    if (this.#jar.refusals.length > 0) this.#panel.append(refused(this.#jar.refusals))
    if (focused === undefined) return
    const again = [...this.#panel.querySelectorAll("button")].find((button) => placeOf(button) === focused)
    ;(again ?? this.#panel).focus({ preventScroll: true })
  }

  /** Shows the jar at another time, and gives the names of the cookies that have expired. */
  age(): string[] {
    const gone = this.#jar.expire()
    this.show()
    return gone
  }

  /** Does what a step says to the cookies of this name. */
  perform(action: "delete" | "tamper", name: string): void {
    this.#each(name, (cookie) => this.#act(action, cookie))
  }

  /** Copies the cookies of this name to the browser of `receiver`. */
  copy(name: string, receiver: string): void {
    this.#each(name, (cookie) => this.#copy(cookie, receiver))
  }

  #each(name: string, act: (cookie: KeptCookie) => void): void {
    const found = this.#jar.cookies.filter((cookie) => cookie.name === name)
    if (found.length === 0)
      return this.#tell(`${this.#owner} has no cookie ${name}: do the steps before this one first.`)
    for (const cookie of found) act(cookie)
  }

  #act(action: "delete" | "tamper", cookie: KeptCookie): void {
    this.#jar[action](cookie)
    this.show()
    if (action === "delete") this.#tell(`${cookie.name} is deleted: the next request goes without it.`)
    else this.#tell(`One character of ${cookie.name} is another one now: the next request sends that.`)
  }

  #cookie({ cookie, mark, length }: CookieView): HTMLElement {
    const { name, value, header, isTampered, copiedFrom } = cookie
    const title = element("div", "lab-cookie-name", {}, element("strong", "", {}, name))
    if (mark) title.append(" ", element("span", "lab-mark", {}, mark))
    const press = (text: string, act: () => void) => {
      const button = element("button", "lab-button", { type: "button", "data-of": identity(cookie) }, text)
      button.addEventListener("click", act)
      return button
    }
    const change = isTampered ? ". You changed the first one." : copiedFrom && `. Copied from ${copiedFrom}.`
    const said = `${length}${change}`
    const actions = element(
      "div",
      "lab-actions",
      {},
      press("Tamper", () => this.#act("tamper", cookie)),
      press("Delete", () => this.#act("delete", cookie)),
      ...this.#others().map((other) => press(`Copy to ${other}`, () => this.#copy(cookie, other))),
    )
    const shown = element(
      "div",
      "lab-kept",
      { "data-cookie": name, role: "group", "aria-label": `Cookie ${shortened(name)}` },
      title,
      element("p", "lab-value", {}, element("code", "", {}, shortened(value))),
      element("p", "lab-rest", {}, said),
      explained(attributes(header), ""),
      actions,
    )
    return element("li", "", {}, shown)
  }
}

/** The attributes that a header sets beside the value. */
function attributes(header: string): Part[] {
  return setCookieParts(header).slice(1)
}

function refused(refusals: readonly Refusal[]): HTMLElement {
  const items = refusals.map(({ name, header, reason }) => {
    const why = element(
      "p",
      "lab-refused",
      {},
      `Refused: ${name ? shortened(name) : "a cookie without a name"}: ${reason}`,
    )
    return element("li", "", {}, why, element("code", "", {}, shortened(header)))
  })
  return element("ul", "lab-refusals", { "aria-label": "Refused cookies" }, ...items)
}

/** Which button this is, also once it was made again. */
function placeOf(button: Element | null): string {
  return `${button?.getAttribute("data-of")} ${button?.textContent}`
}
