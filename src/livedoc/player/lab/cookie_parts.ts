/** A part of a Cookie or Set-Cookie header. The parts are the header, with all that stands before them and after. */
export interface Part {
  /** White space. */
  before: string
  text: string
  /** A semicolon, unless it is the last. */
  after: string
  /** What it means, in a sentence or two. */
  meaning: string
}

/** The parts of a Cookie header. */
export function cookieParts(header: string): Part[] {
  return apart(header, (text) => {
    return `The browser sends ${nameOf(text)} because the app set it. It sends the value and no attribute.`
  })
}

/** The parts of a Set-Cookie header. */
export function setCookieParts(header: string): Part[] {
  return apart(header, (text, index) => {
    if (index > 0) return meaningOf(text)
    const own = `The app asks the browser to store ${nameOf(text)} with this value, and to send both with later requests.`
    return [own, ...prefixOf(text)].join(" ")
  })
}

function apart(header: string, meaning: (text: string, index: number) => string): Part[] {
  return header.split(";").map((piece, index, { length }) => {
    const text = piece.trimStart()
    const before = piece.slice(0, piece.length - text.length)
    return { before, text, after: index < length - 1 ? ";" : "", meaning: meaning(text, index) }
  })
}

function nameOf(pair: string): string {
  return pair.split("=", 1)[0]?.trim() || "a cookie without a name"
}

function prefixOf(pair: string): string[] {
  const name = nameOf(pair).toLowerCase()
  if (name.startsWith("__host-"))
    return [
      "Browsers accept a name with __Host- only with Secure, with Path=/ and without Domain, so no other host can set it.",
    ]
  if (name.startsWith("__secure-")) return ["Browsers accept a name with __Secure- only over HTTPS and with Secure."]
  return []
}

function meaningOf(attribute: string): string {
  const [name = "", ...rest] = attribute.split("=")
  const value = rest.join("=").trim()
  return MEANINGS.get(name.trim().toLowerCase())?.(value) ?? "Browsers don't know this attribute and ignore it."
}

/** By the names of the attributes. */
const MEANINGS = new Map<string, (value: string) => string>(
  Object.entries({
    secure: () => "The browser sends the cookie over HTTPS only.",
    httponly: () => "The page's JavaScript can't read the cookie.",
    samesite: (value: string) =>
      SAME_SITE.get(value.toLowerCase()) ?? "Browsers don't know this value and treat it like Lax.",
    path: (value: string) => {
      if (value === "/") return "The browser sends the cookie to every path of the host."
      if (value.startsWith("/")) return `The browser sends the cookie to ${value} and the paths below it.`
      return "This isn't a path, so browsers take the folder of the address that was asked for."
    },
    domain: (value: string) => `The browser sends the cookie to ${value || "this host"} and to all hosts below it.`,
    "max-age": (value: string) => {
      if (!/^-?\d+$/.test(value)) return "This isn't a number of seconds, so browsers ignore it."
      return Number(value) > 0
        ? `The browser deletes the cookie after ${lasting(Number(value))}.`
        : "The browser deletes the cookie now."
    },
    expires: (value: string) => {
      const time = Date.parse(value)
      if (Number.isNaN(time)) return "This isn't a date, so browsers ignore it."
      return time > Date.now()
        ? "The browser deletes the cookie at this time. If there is a Max-Age, that counts instead."
        : "The time has passed, so the browser deletes the cookie now. If there is a Max-Age, that counts instead."
    },
    partitioned: () =>
      "In a frame of another site, the browser keeps the cookie apart for each site that is around the frame.",
  }),
)

const SAME_SITE = new Map(
  Object.entries({
    strict: "The browser sends the cookie only with requests that come from the app's own site.",
    lax: "From another site, the browser sends the cookie only when someone follows a link to the app.",
    none: "The browser sends the cookie with requests from any site. It must be Secure for that.",
  }),
)

const UNITS = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
] as const

/** "604800 seconds, which is 7 days". */
function lasting(seconds: number): string {
  const [unit, size] = UNITS.find(([, size]) => seconds % size === 0) ?? ["second", 1]
  const plain = count(seconds, "second")
  return size === 1 ? plain : `${plain}, which is ${count(seconds / size, unit)}`
}

function count(number: number, unit: string): string {
  return `${number} ${unit}${number === 1 ? "" : "s"}`
}
