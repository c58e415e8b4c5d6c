import assert from "node:assert/strict"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { after, before, mock, test } from "node:test"
import { compileAhead } from "./webassembly.ts"

// (module (import "page" "answer" (global i32)) (export "answer" (global 0)))
const MODULE = Uint8Array.from(
  "0061736d01000000 021001 0470616765 06616e73776572 037f00 070a01 06616e73776572 0300"
    .replaceAll(" ", "")
    .match(/../g) ?? [],
  (byte) => Number.parseInt(byte, 16),
)
const IMPORTS = { page: { answer: 42 } }

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
  return compileAhead(folder + file, globalThis.fetch)
}

test("what is awaited compiles before anybody instantiates it, and once", async () => {
  const response = await opened("a.wasm")(new URL(`${folder}a.wasm`))
  assert.equal(compile.mock.callCount(), 1)
  const { instance, module } = await WebAssembly.instantiateStreaming(response, IMPORTS)
  assert.equal((instance.exports["answer"] as WebAssembly.Global).value, 42)
  assert.equal(module, await compile.mock.calls[0]?.result)
  assert.equal(compile.mock.callCount(), 1)
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
