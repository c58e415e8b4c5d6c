import assert from "node:assert/strict"
import { test } from "node:test"
import type { Answer, AppRequest, Header } from "../messages.ts"
import { Jar } from "./jar.ts"
import { type Arrival, type Hop, ORIGIN, visit, type Wish } from "./visit.ts"

function answer(status: number, ...headers: Header[]): Answer {
  const nothing = {
    kind: "response" as const,
    failure: undefined,
    records: [],
    changed: [],
    removed: [],
    store: { files: [], unlisted: 0, watched: [] },
    disk: [],
  }
  return { status, reason: "", headers, body: new Uint8Array(), size: 0, seconds: 0, ...nothing }
}

/** What came of a visit to an app that gives these answers, one after the other. */
async function visited(
  wish: Partial<Wish>,
  ...answers: Answer[]
): Promise<{ sent: AppRequest[]; hops: Hop[] } & Arrival> {
  const sent: AppRequest[] = []
  const hops: Hop[] = []
  const ask = async (request: AppRequest) => {
    sent.push(request)
    return answers[Math.min(sent.length, answers.length) - 1] ?? answer(404)
  }
  const address = new URL("/", ORIGIN)
  const arrival = await visit({ method: "GET", address, ...wish }, new Jar(), ask, (hop) => hops.push(hop))
  return { sent, hops, ...arrival }
}

const lines = (requests: AppRequest[]) => requests.map(({ method, target }) => `${method} ${target}`)
const body = { type: "text/plain", content: new TextEncoder().encode("Ada") }

test("a request has the headers of a browser", async () => {
  const { sent } = await visited({ method: "POST", address: new URL("/a?b=c#d", ORIGIN), body }, answer(200))
  assert.deepEqual(sent[0]?.headers, [
    ["Host", "app.example"],
    ["User-Agent", "Lab"],
    ["Accept", "text/html, application/json;q=0.9, */*;q=0.8"],
    ["Origin", "https://app.example"],
    ["Content-Type", "text/plain"],
    ["Content-Length", "3"],
  ])
  assert.equal(sent[0]?.target, "/a?b=c")
  assert.equal(new TextDecoder().decode(sent[0]?.body), "Ada")
})

test("a cookie of a redirect goes along with the next request", async () => {
  const first = answer(303, ["Location", "/account"], ["Set-Cookie", "USER=ada; Path=/"])
  const { sent, hops } = await visited({ method: "POST", address: new URL("/log-in", ORIGIN) }, first, answer(200))
  assert.deepEqual(lines(sent), ["POST /log-in", "GET /account"])
  assert.deepEqual(sent[1]?.headers.at(-1), ["Cookie", "USER=ada"])
  assert.deepEqual(
    hops.map(({ verdicts }) => verdicts.map(({ name, kind }) => `${name} ${kind}`)),
    [["USER stored"], []],
  )
})

for (const [method, status, expected] of [
  ["POST", 301, "GET"],
  ["POST", 302, "GET"],
  ["PUT", 302, "PUT"],
  ["PUT", 303, "GET"],
  ["HEAD", 303, "HEAD"],
  ["POST", 307, "POST"],
  ["POST", 308, "POST"],
] as const)
  test(`after ${method} and ${status} a browser sends ${expected}, with its body only if it sends the same again`, async () => {
    const { sent } = await visited({ method, body }, answer(status, ["location", "next"]), answer(200))
    assert.deepEqual(lines(sent), [`${method} /`, `${expected} /next`])
    assert.equal(sent[1]?.body.length, expected === "GET" ? 0 : 3)
  })

for (const location of [
  "https://elsewhere.example/",
  "http://app.example/",
  "javascript:alert(1)",
  "//elsewhere.example",
])
  test(`a redirect to ${location} is not followed`, async () => {
    const { sent, trouble } = await visited({}, answer(302, ["Location", location]))
    assert.equal(sent.length, 1)
    assert.match(trouble, /^The redirect leads out of the app, to /)
  })

test("a redirect to what isn't an address is not followed", async () => {
  const { sent, trouble } = await visited({}, answer(302, ["Location", "https://["]))
  assert.equal(sent.length, 1)
  assert.equal(trouble, "The redirect leads to https://[, which isn't an address.")
})

test("a redirect without a location is a page", async () => {
  const { sent, trouble } = await visited({}, answer(302))
  assert.deepEqual([sent.length, trouble], [1, ""])
})

test("redirects without end are given up", async () => {
  const { sent, hops, trouble } = await visited({}, answer(302, ["Location", "/"]))
  assert.deepEqual([sent.length, hops.length], [20, 20])
  assert.equal(trouble, "These were 20 redirects: the browser follows no more.")
})
