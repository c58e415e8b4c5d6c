import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { comes, isOutdated } from "./release.ts"

const sent: Record<string, string | undefined> = { "/": '<script src="assets/page-A1.js">', "/assets/page-A1.js": "" }
const server = createServer(({ url = "" }, response) => {
  const content = sent[url]
  if (url === "/broken") response.writeHead(500).end()
  else if (content === undefined) response.writeHead(404).end()
  else response.end(content)
})
let home = new URL("http://127.0.0.1/")
const at = (path: string) => new URL(path, home)

before(async () => {
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready))
  home = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
})
after(() => server.close())

test("a file comes or it doesn't", async () => {
  assert.deepEqual([await comes(at("assets/page-A1.js")), await comes(at("assets/page-B2.js"))], [true, false])
  assert.equal(await comes("http://127.0.0.1:1/"), false)
})

test("a page is up to date while its files are there and the home page has its script", async () => {
  assert.equal(await isOutdated([at("assets/page-A1.js")], at("assets/page-A1.js"), home), false)
})

test("a page whose files are gone is outdated", async () => {
  assert.equal(await isOutdated([at("assets/worker-A1.js")], at("assets/page-A1.js"), home), true)
})

test("a page is outdated once the home page has another script", async () => {
  assert.equal(await isOutdated([], at("assets/page-A0.js"), home), true)
})

test("a host that fails or can't be reached tells nothing", async () => {
  assert.equal(await isOutdated([at("broken")], at("assets/page-A0.js"), at("broken")), false)
  const nowhere = new URL("http://127.0.0.1:1/")
  assert.equal(await isOutdated([nowhere], at("assets/page-A0.js"), nowhere), false)
})
