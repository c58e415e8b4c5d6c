import assert from "node:assert/strict"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { after, before, mock, test } from "node:test"
import { compileAhead, mustAllowWebAssembly } from "./webassembly.ts"

// (module (import "page" "answer" (global i32)) (export "answer" (global 0)))
const MODULE = Uint8Array.from(
  "0061736d01000000 021001 0470616765 06616e73776572 037f00 070a01 06616e73776572 0300"
    .replaceAll(" ", "")
    .match(/../g) ?? [],
  (byte) => Number.parseInt(byte, 16),
)
const IMPORTS = { page: { answer: 42 } }
const WASM = { headers: { "content-type": "application/wasm" } }

const server = createServer(({ url }, response) => {
  response.writeHead(200, { "content-type": "application/wasm" })
  response.end(url === "/broken.wasm" ? "not that" : MODULE)
})
let folder = ""
const compile = mock.method(WebAssembly, "compileStreaming")
const native = WebAssembly.instantiateStreaming

before(async () => {
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready))
  folder = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
})
after(() => server.close())

function opened(file: string): typeof globalThis.fetch {
  compile.mock.resetCalls()
  WebAssembly.instantiateStreaming = native
  return compileAhead(folder + file, globalThis.fetch).fetch
}

test("what is awaited compiles before anybody instantiates it, and once", async () => {
  const response = await opened("a.wasm")(new URL(`${folder}a.wasm`))
  assert.equal(compile.mock.callCount(), 1)
  const { instance, module } = await WebAssembly.instantiateStreaming(response, IMPORTS)
  assert.equal((instance.exports["answer"] as WebAssembly.Global).value, 42)
  assert.equal(module, await compile.mock.calls[0]?.result)
  assert.equal(compile.mock.callCount(), 1)
})

test("that it has been compiled is told, once it has", async () => {
  const module = new Promise<void>((compiled) => {
    void compileAhead(`${folder}a.wasm`, globalThis.fetch, compiled).fetch(`${folder}a.wasm`)
  })
  await module
  const compiled = mock.fn()
  await compileAhead(`${folder}broken.wasm`, globalThis.fetch, compiled).fetch(`${folder}broken.wasm`)
  await compile.mock.calls.at(-1)?.result?.catch(() => undefined)
  assert.equal(compiled.mock.callCount(), 0)
})

test("all else comes as it would, and so does the same file once more", async () => {
  const fetch = opened("a.wasm")
  const other = await fetch(`${folder}b.wasm`)
  assert.equal(compile.mock.callCount(), 0)
  await fetch(`${folder}a.wasm`)
  const again = await fetch(`${folder}a.wasm`)
  assert.equal(compile.mock.callCount(), 1)
  assert.deepEqual(new Uint8Array(await again.arrayBuffer()), MODULE)
  const { instance } = await WebAssembly.instantiateStreaming(Promise.resolve(other), IMPORTS)
  assert.equal((instance.exports["answer"] as WebAssembly.Global).value, 42)
})

test("what does not compile is an error when it is instantiated, and not before", async () => {
  const response = await opened("broken.wasm")(`${folder}broken.wasm`)
  await new Promise((later) => setTimeout(later, 50)) // what nobody has caught by now is a failure of the test
  await assert.rejects(WebAssembly.instantiateStreaming(response, IMPORTS), WebAssembly.CompileError)
})

for (const name of ["instantiateStreaming", "compileStreaming"] as const)
  test(`a browser without ${name} compiles what has come`, async () => {
    const had = WebAssembly[name]
    WebAssembly.instantiateStreaming = native
    Reflect.deleteProperty(WebAssembly, name)
    try {
      const { fetch } = compileAhead(`${folder}a.wasm`, globalThis.fetch)
      for (const file of ["a.wasm", "b.wasm"]) {
        const { instance } = await WebAssembly.instantiateStreaming(fetch(folder + file), IMPORTS)
        assert.equal((instance.exports["answer"] as WebAssembly.Global).value, 42)
      }
    } finally {
      Object.assign(WebAssembly, { [name]: had })
    }
  })

test("a browser that can't compile or start it says so", async () => {
  WebAssembly.instantiateStreaming = native
  for (const [file, imports, error] of [
    ["broken.wasm", IMPORTS, "CompileError"],
    ["a.wasm", { page: {} }, "LinkError"],
  ] as const) {
    const { fetch, unable } = compileAhead(folder + file, globalThis.fetch)
    await assert.rejects(WebAssembly.instantiateStreaming(fetch(folder + file), imports), { name: error })
    await assert.rejects(unable, /^Error: this browser can't run it \(WebAssembly.+\); a newer one may$/)
  }
})

test("what does not come is not the browser's fault", async () => {
  WebAssembly.instantiateStreaming = native
  const cut = async () => new Response(new ReadableStream({ start: (it) => it.error(new TypeError("cut")) }), WASM)
  const { fetch, unable } = compileAhead(`${folder}a.wasm`, cut)
  await assert.rejects(WebAssembly.instantiateStreaming(fetch(`${folder}a.wasm`), IMPORTS), TypeError)
  assert.equal(await Promise.race([unable, Promise.resolve("silent")]), "silent")
})

test("a site that forbids WebAssembly is told what it needs", async () => {
  const had = WebAssembly
  await mustAllowWebAssembly()
  try {
    Object.assign(globalThis, { WebAssembly: { compile: () => Promise.reject(new had.CompileError("blocked")) } })
    await assert.rejects(mustAllowWebAssembly(), /^Error: this site does not allow WebAssembly/)
  } finally {
    Object.assign(globalThis, { WebAssembly: had })
  }
})
