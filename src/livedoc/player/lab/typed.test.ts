import assert from "node:assert/strict"
import { test } from "node:test"
import { short, typed } from "./address.ts"
import { formBody, queryOf, typedBody } from "./body.ts"

for (const [text, shown] of [
  ["/", "/"],
  ["", "/"],
  [" cart ", "/cart"],
  ["/a b?c=d e#f", "/a%20b?c=d%20e"],
  ["https://app.example/cart", "/cart"],
  ["https://ada:secret@app.example/", "/"],
  ["/../..", "/"],
  ["/\u0000", "/"],
] as const)
  test(`the address ${JSON.stringify(text)} is ${shown}`, () => {
    const address = typed(text)
    assert.ok(address instanceof URL)
    assert.equal(short(address), shown)
    assert.equal(address.origin, "https://app.example")
  })

for (const text of [
  "https://elsewhere.example/",
  "//elsewhere.example",
  "http://app.example/",
  "javascript:alert(1)",
  "data:,",
])
  test(`the address ${text} is refused`, () => {
    assert.equal(typed(text), "This browser visits https://app.example only. Write a path, such as /.")
  })

test("what isn't an address is refused", () => {
  assert.equal(typed("https://["), "https://[ isn't an address. Write a path, such as /.")
})

const text = ({ type, content }: { type: string; content: Uint8Array }) => [type, new TextDecoder().decode(content)]

test("a body is sent as what it was said to be", () => {
  assert.equal(typedBody("JSON", ""), undefined)
  assert.deepEqual(text(typedBody("JSON", '{"name": "Ada"}')!), ["application/json", '{"name": "Ada"}'])
  assert.deepEqual(text(typedBody("Text", "ä")!), ["text/plain;charset=utf-8", "ä"])
  assert.deepEqual(text(typedBody("Fields", "name=Ada & Co\n\nsum=1=1\nempty")!), [
    "application/x-www-form-urlencoded",
    "name=Ada+%26+Co&sum=1%3D1&empty=",
  ])
})

test("a form is sent as the app asked for it", async () => {
  const data = new FormData()
  data.append("name", "Ä")
  data.append("file", new File(["content"], "notes.txt"))
  assert.equal(queryOf(data), "name=%C3%84&file=notes.txt")
  assert.deepEqual(text(await formBody(data, "")), ["application/x-www-form-urlencoded", "name=%C3%84&file=notes.txt"])
  const [type = "", content = ""] = text(await formBody(data, "multipart/form-data"))
  assert.match(type, /^multipart\/form-data; ?boundary=/)
  assert.match(content, /filename="notes.txt"[^]*content/)
})
