import type { OfflineState, Wish } from "../messages.ts"
import { Kept, type Release } from "./kept.ts"
import { offlinePage } from "./offline_page.ts"

// What TypeScript's library for pages does not have.
interface ExtendableEvent extends Event {
  waitUntil(done: Promise<unknown>): void
}
interface FetchEvent extends ExtendableEvent {
  readonly request: Request
  respondWith(response: Promise<Response>): void
}
interface ExtendableMessageEvent extends ExtendableEvent {
  readonly data: Wish
}
interface Client {
  postMessage(state: OfflineState): void
}
declare const clients: { claim(): Promise<void>; matchAll(of: object): Promise<readonly Client[]> }
declare const registration: ServiceWorkerRegistration
declare const RELEASE: Release

const kept = new Kept(RELEASE, registration.scope, caches)

on<ExtendableEvent>("install", (event) => event.waitUntil(kept.takeOver()))
// By now all pages of the release before are closed, so a page and what it loads stay together.
on<ExtendableEvent>("activate", (event) => event.waitUntil(Promise.all([kept.forgetEarlier(), clients.claim()])))
on<ExtendableMessageEvent>("message", (event) => event.waitUntil(grant(event.data)))
on<FetchEvent>("fetch", (event) => {
  const { request } = event
  if (request.method === "GET") event.respondWith(answer(request))
})

/** What has a hash in its name comes from the cache; all else does if the network does not answer. */
async function answer(request: Request): Promise<Response> {
  const path = kept.pathOf(request.url)
  const cached = path === undefined ? undefined : await kept.match(path)
  if (cached && isImmutable(cached)) return cached
  try {
    return await fetch(request)
  } catch (error) {
    if (cached) return cached
    if (request.mode === "navigate") return offlinePage(registration.scope, await kept.pages())
    throw error
  }
}

function isImmutable(response: Response): boolean {
  return response.headers.get("Cache-Control")?.includes("immutable") ?? false
}

async function grant({ keep }: Wish): Promise<void> {
  let trouble: OfflineState["trouble"]
  try {
    if (keep !== "everything") await kept.keep(keep.map((url) => kept.pathOf(url)).filter((path) => path !== undefined))
    if (keep === "everything" || (await kept.everything())) await kept.keepEverything(tell)
  } catch (error) {
    trouble = error instanceof Error && error.name === "QuotaExceededError" ? "full" : "lost"
    if (trouble === "full") await kept.settleForLess()
  }
  await tell(trouble)
}

async function tell(trouble?: OfflineState["trouble"]): Promise<void> {
  const state = { ...(await kept.count()), everything: await kept.everything(), trouble }
  for (const client of await clients.matchAll({ includeUncontrolled: true })) client.postMessage(state)
}

function on<Kind extends Event>(type: string, listener: (event: Kind) => void): void {
  addEventListener(type, listener as (event: Event) => void)
}
