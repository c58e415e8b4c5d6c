import DOMPurify from "dompurify"

/** What a reader can do in a page. */
export type Follow = (link: { address: URL } | { form: HTMLFormElement; submitter: HTMLElement | null }) => void

// Only what is named here is shown. Nothing here fetches, runs or styles anything, or speaks to the rest of the site.
const TAGS = (
  "a abbr address article aside b bdi bdo blockquote br button caption cite code col colgroup data datalist dd del details " +
  "dfn div dl dt em fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr i img input ins kbd label legend li " +
  "main mark menu meter nav ol optgroup option output p pre progress q rp rt ruby s samp section select small span strong " +
  "sub summary sup table tbody td textarea tfoot th thead time tr u ul var wbr"
).split(" ")
const ATTRIBUTES = (
  "abbr action alt checked cols colspan datetime dir disabled enctype for formaction formenctype formmethod headers high " +
  "href id label lang list low max maxlength method min minlength multiple name novalidate open optimum pattern placeholder " +
  "readonly required reversed rows rowspan scope selected size span start step title type value wrap"
).split(" ")
/** These would be landmarks of the site. */
const LANDMARKS = "main, header, footer, nav, aside, section, article"
const NAMING = ["id", "for", "list", "headers"]

let documents = 0 // the names in each are its own

/** A page of the app without anything that runs, fetches or styles. Its links and forms call `follow`. */
export function shownDocument(html: string, address: URL, follow: Follow): HTMLElement {
  const prefix = `lab-${++documents}-`
  const fragment = DOMPurify.sanitize(html, {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ATTRIBUTES,
    ALLOW_ARIA_ATTR: false,
    ALLOW_DATA_ATTR: false,
    SANITIZE_DOM: false, // it would take a field named "name" out of its form: below, no property of a form is read
    RETURN_DOM_FRAGMENT: true,
  })
  for (const landmark of fragment.querySelectorAll(LANDMARKS)) {
    const plain = document.createElement("div")
    plain.append(...landmark.childNodes)
    landmark.replaceWith(plain)
  }
  for (const named of fragment.querySelectorAll(NAMING.map((name) => `[${name}]`).join())) {
    for (const name of NAMING) {
      const names = attribute(named, name)
      if (names) Element.prototype.setAttribute.call(named, name, names.replace(/\S+/g, `${prefix}$&`))
    }
  }
  const shown = document.createElement("div")
  shown.className = "lab-document"
  shown.append(fragment)
  const go = (event: Event) => {
    event.stopPropagation() // Material would make it a change of page
    const link = event.target instanceof Element ? event.target.closest("a[href]") : null
    if (link) {
      event.preventDefault()
      const target = attribute(link, "href") ?? ""
      if (!target.startsWith("#")) return follow({ address: resolved(target, address) })
      document.getElementById(prefix + decoded(target.slice(1)))?.scrollIntoView({ block: "nearest" })
    }
  }
  for (const press of ["click", "auxclick"]) shown.addEventListener(press, go)
  shown.addEventListener("submit", (event) => {
    event.preventDefault()
    follow({ form: event.target as HTMLFormElement, submitter: event.submitter })
  })
  return shown
}

/** Where a form sends its fields, how and as what. A button of it may say it otherwise. */
export function sending(form: HTMLFormElement, submitter: HTMLElement | null, address: URL) {
  const said = (name: string) => {
    return (submitter && attribute(submitter, `form${name}`)) ?? attribute(form, name)
  }
  return {
    address: resolved(said("action") ?? "", address),
    method: said("method")?.toUpperCase() === "POST" ? "POST" : "GET",
    encoding: said("enctype") ?? "",
  }
}

/** A form has its fields as properties, by their names, and they may hide its own. */
function attribute(element: Element, name: string): string | null {
  return Element.prototype.getAttribute.call(element, name)
}

function decoded(fragment: string): string {
  try {
    return decodeURIComponent(fragment)
  } catch {
    return fragment // it has a percent sign of its own
  }
}

function resolved(target: string, address: URL): URL {
  return URL.canParse(target, address) ? new URL(target, address) : address
}
