import type { Answer, AppRequest, Header } from "../messages.ts"
import type { Jar, Verdict } from "./jar.ts"

/** Where a lab's app lives. The name is one that nobody can have. */
export const ORIGIN = "https://app.example"

const MOST_HOPS = 20

/** What a browser is told to send. */
export interface Wish {
  method: string
  address: URL
  body?: Body
}

export interface Body {
  /** Its Content-Type. */
  type: string
  content: Uint8Array
}

/** A request, and what came of it. */
export interface Hop {
  request: AppRequest
  address: URL
  answer: Answer
  verdicts: readonly Verdict[]
}

/** Where a visit ended. */
export interface Arrival {
  hop: Hop
  /** Why the browser didn't follow the last redirect. Empty: there was none. */
  trouble: string
}

/** Asks the app, with the jar's cookies, and follows its redirects. `took` gets each hop as it comes. */
export async function visit(
  wish: Wish,
  jar: Jar,
  ask: (request: AppRequest) => Promise<Answer>,
  took: (hop: Hop) => void,
): Promise<Arrival> {
  for (let hops = 1; ; hops++) {
    const request = requestFor(wish, jar)
    const answer = await ask(request)
    const { address } = wish
    const cookies = answer.headers.filter(([name]) => name.toLowerCase() === "set-cookie")
    const hop = { request, address, answer, verdicts: cookies.map(([, value]) => jar.take(value, address)) }
    took(hop)
    const next = redirected(wish, answer)
    if (!next) return { hop, trouble: "" }
    if (typeof next === "string") return { hop, trouble: next }
    if (hops === MOST_HOPS) return { hop, trouble: `These were ${MOST_HOPS} redirects: the browser follows no more.` }
    wish = next
  }
}

/** The request that a browser sends for this. */
export function requestFor({ method, address, body }: Wish, jar: Jar): AppRequest {
  const cookies = jar.header(address)
  const headers: Header[] = [
    ["Host", address.host],
    ["User-Agent", "Lab"],
    ["Accept", "text/html, application/json;q=0.9, */*;q=0.8"],
  ]
  if (!["GET", "HEAD"].includes(method)) {
    headers.push(["Origin", address.origin])
    if (body) headers.push(["Content-Type", body.type])
    headers.push(["Content-Length", String(body?.content.length ?? 0)])
  }
  if (cookies) headers.push(["Cookie", cookies])
  return {
    method,
    target: address.pathname + address.search,
    host: address.host,
    headers,
    body: body?.content ?? new Uint8Array(),
  }
}

/** What an answer sends the browser on to, by the rules of Fetch; undefined: to nothing; a text: why it doesn't go there. */
function redirected({ method, address, body }: Wish, { status, headers }: Answer): Wish | string | undefined {
  const location = headers.find(([name]) => name.toLowerCase() === "location")?.[1]
  if (![301, 302, 303, 307, 308].includes(status) || location === undefined) return undefined
  if (!URL.canParse(location, address)) return `The redirect leads to ${location}, which isn't an address.`
  const next = new URL(location, address)
  if (next.origin !== ORIGIN) return `The redirect leads out of the app, to ${next.href}: the lab doesn't go there.`
  const isTurned = status === 303 ? method !== "HEAD" : status < 303 && method === "POST"
  return isTurned || !body ? { method: isTurned ? "GET" : method, address: next } : { method, address: next, body }
}

/** "200 OK". */
export function statusOf({ status, reason }: Answer): string {
  return `${status} ${reason}`.trim()
}

/** A request and its response in a line: "GET /: 200 OK, 1.2 ms". */
export function summaryOf({ request, answer }: Hop): string {
  const milliseconds = `${(answer.seconds * 1000).toFixed(answer.seconds < 0.01 ? 1 : 0)} ms`
  return `${request.method} ${request.target}: ${statusOf(answer)}, ${milliseconds}`
}
