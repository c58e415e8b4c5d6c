import { Cookie, CookieJar } from "tough-cookie"

/** What a browser made of a Set-Cookie header. */
export interface Verdict {
  /** The name of the cookie. */
  name: string
  kind: "stored" | "removed" | "refused"
  /** Why it was refused. */
  reason: string
}

const MOST_BYTES = 4096 // of a cookie's name and value

/** The cookies that one browser keeps. */
export class Jar {
  readonly #jar = new CookieJar(undefined, { prefixSecurity: "strict" })

  /** The Cookie header of a request to `address`; empty: it has none. */
  header(address: URL): string {
    return this.#jar.getCookieStringSync(address.href, { sameSiteContext: "strict" })
  }

  /** Takes a Set-Cookie header of a response that came from `address`. */
  take(header: string, address: URL): Verdict {
    const cookie = Cookie.parse(header)
    const name = cookie?.key ?? ""
    try {
      if (!cookie) throw new Error("it isn't a name, an equals sign and a value")
      mustBeKept(cookie)
      this.#jar.setCookieSync(cookie, address.href, { sameSiteContext: "strict" })
      const isGone = (cookie.expiryTime() ?? Infinity) <= Date.now()
      return { name, kind: isGone ? "removed" : "stored", reason: "" }
    } catch (error) {
      return { name, kind: "refused", reason: error instanceof Error ? error.message : String(error) }
    }
  }
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
