import { Cookie, CookieJar, MemoryCookieStore } from "tough-cookie"

/** What a browser made of a Set-Cookie header. */
export interface Verdict {
  /** The name of the cookie. */
  name: string
  kind: "stored" | "removed" | "refused"
  /** Why it was refused. */
  reason: string
}

/** A cookie that a browser keeps. */
export interface KeptCookie {
  name: string
  value: string
  /** The host and the path that it is sent to. With the name they say which cookie it is. */
  domain: string
  path: string
  /** As a Set-Cookie header that would set it. */
  header: string
  /** The reader has changed its value. */
  isTampered: boolean
  /** Whose browser it was copied from. Empty: the app has set it here. */
  copiedFrom: string
}

/** A cookie that a browser would not keep. */
export interface Refusal {
  name: string
  header: string
  reason: string
}

const MOST_REFUSALS = 5
const MOST_BYTES = 4096 // of a cookie's name and value
const MOST_COOKIES = 180 // as Chromium and Firefox have it for a site

/** The cookies that one browser keeps. */
export class Jar {
  readonly #clock: () => number
  readonly #store = new MemoryCookieStore()
  readonly #jar = new CookieJar(this.#store, { prefixSecurity: "strict" })
  readonly #tampered = new Map<string, string>() // values, by which cookie it is
  readonly #copied = new Map<string, { value: string; from: string }>() // by which cookie it is
  readonly #ends = new Map<string, number>() // when each expires: tough-cookie has its own clock
  #refusals: readonly Refusal[] = []

  /** `clock` gives the time in milliseconds since 1970. */
  constructor(clock: () => number = Date.now) {
    this.#clock = clock
  }

  /** The last ones, the newest first. */
  get refusals(): readonly Refusal[] {
    return this.#refusals
  }

  /** What the browser keeps, by name. */
  get cookies(): KeptCookie[] {
    this.expire()
    return this.#all()
      .map((cookie) => this.#kept(cookie))
      .sort((one, other) => (one.name + one.path < other.name + other.path ? -1 : 1))
  }

  /** Deletes a cookie, as its reader can in any browser. */
  delete({ domain, path, name }: KeptCookie): void {
    this.#store.removeCookie(domain, path, name, () => undefined)
  }

  /** Changes one character of a cookie's value. */
  tamper(chosen: KeptCookie): void {
    const cookie = this.#all().find((each) => placeOf(each) === placeOf(chosen))
    if (!cookie) return
    cookie.value = tampered(cookie.value)
    this.#tampered.set(placeOf(cookie), cookie.value)
  }

  /** Puts a cookie of another jar into this one. `from` is whose that jar is. */
  receive({ domain, path, name }: KeptCookie, other: Jar, from: string): void {
    const place = placeOf({ domain, path, name })
    const found = other.#all().find((each) => placeOf(each) === place)
    if (!found) return
    const copy = Object.assign(new Cookie(), found)
    this.#store.putCookie(copy, () => undefined)
    this.#ends.set(place, other.#ends.get(place) ?? Infinity)
    this.#tampered.delete(place)
    this.#copied.set(place, { value: found.value, from })
  }

  #kept(cookie: Cookie): KeptCookie {
    const { key, value, domain, path } = cookie
    const copied = this.#copied.get(placeOf(cookie))
    return {
      name: key,
      value,
      domain: domain ?? "",
      path: path ?? "/",
      header: cookie.toString(),
      isTampered: this.#tampered.get(placeOf(cookie)) === value,
      copiedFrom: copied?.value === value ? copied.from : "",
    }
  }

  #all(): Cookie[] {
    let all: Cookie[] = []
    this.#store.getAllCookies((_, cookies) => (all = cookies ?? []))
    return all
  }

  /** Drops the cookies that have expired, and gives their names. */
  expire(): string[] {
    const gone = this.#all().filter((cookie) => (this.#ends.get(placeOf(cookie)) ?? Infinity) <= this.#clock())
    for (const cookie of gone) this.#remove(cookie)
    return gone.map(({ key }) => key)
  }

  #remove({ domain, path, key }: Cookie): void {
    this.#store.removeCookie(domain ?? "", path ?? "/", key, () => undefined)
  }

  /** Drops the oldest cookie if there are too many: one without Secure first, as RFC 6265bis says, and not the `newest`. */
  #evict(newest: Cookie): void {
    const all = this.#all()
    if (all.length <= MOST_COOKIES) return
    const others = all.filter((cookie) => placeOf(cookie) !== placeOf(newest))
    const oldest = others.find(({ secure }) => !secure) ?? others[0]
    if (oldest) this.#remove(oldest)
  }

  /** The Cookie header of a request to `address`; empty: it has none. */
  header(address: URL): string {
    this.expire()
    return this.#jar.getCookieStringSync(address.href, { sameSiteContext: "strict", expire: false })
  }

  /** Takes a Set-Cookie header of a response that came from `address`. */
  take(header: string, address: URL): Verdict {
    const cookie = Cookie.parse(header)
    const name = cookie?.key ?? ""
    try {
      if (!cookie) throw new Error("it isn't a name, an equals sign and a value")
      mustBeKept(cookie)
      const now = this.#clock()
      this.#jar.setCookieSync(cookie, address.href, { sameSiteContext: "strict", now: new Date(now) })
      const end = cookie.expiryTime(new Date(now)) ?? Infinity
      this.#ends.set(placeOf(cookie), end)
      if (end <= now) this.#remove(cookie)
      else this.#evict(cookie)
      return { name, kind: end <= now ? "removed" : "stored", reason: "" }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      this.#refusals = [{ name, header, reason }, ...this.#refusals].slice(0, MOST_REFUSALS)
      return { name, kind: "refused", reason }
    }
  }
}

/** Another value that differs in the first character. */
export function tampered(value: string): string {
  return (value.startsWith("A") ? "B" : "A") + value.slice(1)
}

function placeOf(
  cookie: { domain: string | null; path: string | null } & ({ key: string } | { name: string }),
): string {
  return JSON.stringify([cookie.domain, cookie.path, "key" in cookie ? cookie.key : cookie.name])
}

/** What RFC 6265bis asks for, and tough-cookie doesn't. */
function mustBeKept({ key, value, sameSite, secure, extensions }: Cookie): void {
  const bytes = new TextEncoder().encode(key + value).length
  if (bytes > MOST_BYTES) throw new Error(`its name and value have ${bytes} bytes, more than ${MOST_BYTES}`)
  if (secure) return
  if (sameSite === "none") throw new Error("SameSite=None needs Secure beside it")
  if (extensions?.some((attribute) => /^partitioned$/i.test(attribute)))
    throw new Error("Partitioned needs Secure beside it")
}
