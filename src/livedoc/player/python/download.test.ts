import assert from "node:assert/strict"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { after, before, test } from "node:test"
import { Download, fetchNow } from "./download.ts"
import { KEPT } from "../messages.ts"

let late = 0
const server = createServer((request, response) => {
  if (request.url === "/runtime/late.whl" && late++ === 0) response.writeHead(404).end()
  else if (request.url === "/runtime/gone.whl") response.writeHead(404).end()
  else if (request.url === "/runtime/cut.whl") {
    response.writeHead(200, { "content-length": "1000" }).write("only this")
    setImmediate(() => response.destroy())
  } else if (request.url === "/runtime/page.zip")
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end("<h1>Not here</h1>")
  else if (request.url === "/runtime/kept.zip") response.writeHead(200, { [KEPT]: "yes" }).end("x".repeat(1000))
  else response.writeHead(200, { "content-type": "application/wasm" }).end("x".repeat(1000))
})
let folder = ""

before(async () => {
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready))
  folder = `http://127.0.0.1:${(server.address() as AddressInfo).port}/runtime/`
})
after(() => server.close())

test("bytes on the wire are counted as they come, of those that the files have", async () => {
  const seen: string[] = []
  const sizes = {
    "a.wasm": { raw: 1000, wire: 250 },
    "b/b.whl": { raw: 1000, wire: 500 },
    "c.whl": { raw: 1, wire: 1 },
  }
  const download = new Download(folder, sizes, () => seen.push(`${download.loaded}/${download.total}`))
  const fetch = download.watch(globalThis.fetch)
  const response = await fetch(`${folder}a.wasm`)
  assert.equal((await response.text()).length, 1000)
  await (await fetch(new URL("b/b.whl", folder))).text()
  assert.equal(seen[0], "0/250")
  assert.equal(seen.at(-1), "750/750")
})

test("what the browser has kept counts at once", async () => {
  const download = new Download(folder, { "kept.zip": { raw: 1000, wire: 250 } }, () => undefined)
  const response = await download.watch(globalThis.fetch)(`${folder}kept.zip`)
  assert.deepEqual([download.loaded, download.total], [250, 250])
  assert.equal((await response.text()).length, 1000)
  assert.equal(download.loaded, 250)
})

test("a file is coming until its last byte is there", async () => {
  let told: string[] = []
  const download: Download = new Download(folder, {}, () => (told = download.coming))
  const response = await download.watch(globalThis.fetch)(`${folder}a.wasm`)
  assert.deepEqual(told, ["a.wasm"])
  await response.text()
  while (told.length > 0) await new Promise(setImmediate)
  await (await download.watch(globalThis.fetch)(`${folder}kept.zip`)).text()
  assert.deepEqual([told, download.coming], [[], []])
})

test("a watched response keeps its type, which WebAssembly needs to compile while it streams", async () => {
  const response = await new Download(folder, {}, () => undefined).watch(globalThis.fetch)(`${folder}a.wasm`)
  assert.equal(response.headers.get("content-type"), "application/wasm")
  await response.text()
})

test("what lies elsewhere is not counted", async () => {
  const download = new Download(folder, { "elsewhere/": { raw: 9, wire: 9 } }, () => assert.fail("counted"))
  await (await download.watch(globalThis.fetch)(new URL("../elsewhere/", folder))).text()
})

test("a file that is not there is named", async () => {
  const download = new Download(folder, {}, () => undefined)
  await assert.rejects(download.watch(globalThis.fetch)(`${folder}gone.whl`))
  await assert.rejects(download.lost, { message: "gone.whl could not be loaded (the server answered 404)" })
})

test("a web page in the place of a file is told", async () => {
  const download = new Download(folder, {}, () => undefined)
  await assert.rejects(download.watch(globalThis.fetch)(`${folder}page.zip`))
  const message = "page.zip could not be loaded (the server sent a web page instead)"
  await assert.rejects(download.lost, { message })
})

test("a file that was missing is asked for once more, and not in the cache", async () => {
  const asked: unknown[] = []
  const noted: typeof globalThis.fetch = (input, init) => {
    asked.push(init?.cache)
    return globalThis.fetch(input, init)
  }
  const fetch = new Download(folder, {}, () => undefined).watch(noted)
  assert.equal((await (await fetch(`${folder}late.whl`)).text()).length, 1000)
  assert.deepEqual(asked, [undefined, "reload"])
  await assert.rejects(fetch(`${folder}gone.whl`))
  assert.equal(asked.length, 4)
})

test("a file that the host no longer has is told from one that no network brings", async () => {
  const download = new Download(folder, {}, () => undefined)
  await assert.rejects(download.watch(globalThis.fetch)(`${folder}gone.whl`))
  await assert.rejects(download.lost, { isGone: true })
  assert.ok(download.isLost)
  const cut = new Download("http://127.0.0.1:1/", {}, () => undefined)
  await assert.rejects(cut.watch(globalThis.fetch)("http://127.0.0.1:1/a.whl"))
  await assert.rejects(cut.lost, { isGone: false })
})

test("a file that breaks off is named", async () => {
  const download = new Download(folder, {}, () => undefined)
  const response = await download.watch(globalThis.fetch)(`${folder}cut.whl`)
  await assert.rejects(response.text())
  await assert.rejects(download.lost, /^Error: cut.whl could not be loaded/)
})

test("a file that is fetched at once is asked for once more where it was missing, and named if it doesn't come", () => {
  const asked: [string, unknown][] = []
  const answers: Record<string, [number, string][]> = {
    "there.part": [[200, "application/wasm"]],
    "late.part": [
      [404, ""],
      [200, "application/wasm"],
    ],
    "gone.part": [
      [404, ""],
      [404, ""],
    ],
    "page.part": [
      [200, "text/html"],
      [200, "text/html"],
    ],
    "cut.part": [],
  }
  class Request {
    responseType = ""
    response = new ArrayBuffer(3)
    status = 0
    #file = ""
    #cache: unknown
    #type = ""
    open(method: string, url: string, isAsynchronous: boolean) {
      assert.deepEqual([method, isAsynchronous], ["GET", false])
      this.#file = url.replace("https://a.example/runtime/", "")
    }
    setRequestHeader(...header: unknown[]) {
      this.#cache = header.join(": ")
    }
    send() {
      assert.equal(this.responseType, "arraybuffer")
      asked.push([this.#file, this.#cache])
      const [answer] = answers[this.#file]?.splice(0, 1) ?? []
      if (!answer) throw new Error("no network")
      ;[this.status, this.#type] = answer
    }
    getResponseHeader() {
      return this.#type || null
    }
  }
  Object.assign(globalThis, { XMLHttpRequest: Request })
  const fetched = (file: string) => fetchNow(`https://a.example/runtime/${file}`).length
  assert.equal(fetched("there.part"), 3)
  assert.equal(fetched("late.part"), 3)
  const said = ["the server answered 404", "the server sent a web page instead", "no network"]
  for (const [index, file] of ["gone.part", "page.part", "cut.part"].entries())
    assert.throws(() => fetched(file), { message: `${file} could not be loaded (${said[index]})`, isGone: index === 0 })
  assert.deepEqual(asked.slice(0, 3), [
    ["there.part", undefined],
    ["late.part", undefined],
    ["late.part", "Cache-Control: no-cache"],
  ])
  assert.equal(asked.length, 9)
})

test("a file is asked for in its turn, and counted before", async () => {
  const asked: string[] = []
  const fetch = (input: string | URL | Request) => {
    asked.push(String(input).replace(folder, ""))
    return Promise.resolve(new Response())
  }
  let come!: () => void
  const core = new Promise<void>((resolve) => (come = resolve))
  const sizes = { "a.whl": { raw: 9, wire: 4 }, "b.wasm": { raw: 9, wire: 3 } }
  const download = new Download(folder, sizes, () => undefined)
  const watched = download.watch(fetch, (file) => (file === "b.wasm" ? undefined : core))
  const coming = ["a.whl", "b.wasm"].map((file) => watched(folder + file))
  await coming[1]
  assert.deepEqual(asked, ["b.wasm"])
  assert.equal(download.total, 7)
  assert.ok(!download.coming.includes("a.whl"))
  come()
  await coming[0]
  assert.deepEqual(asked, ["b.wasm", "a.whl"])
})
