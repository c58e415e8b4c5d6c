import assert from "node:assert/strict"
import { test } from "node:test"
import { Jar } from "./jar.ts"

const HOME = new URL("https://app.example/shop/cart")

test("a cookie that was taken is sent until it is removed", () => {
  const jar = new Jar()
  assert.equal(jar.header(HOME), "")
  assert.deepEqual(jar.take("VISIT=abc; Path=/; Secure; HttpOnly; SameSite=Lax", HOME), {
    name: "VISIT",
    kind: "stored",
    reason: "",
  })
  jar.take("CART=1", HOME)
  assert.equal(jar.header(HOME), "CART=1; VISIT=abc")
  assert.equal(jar.header(new URL("/", HOME)), "VISIT=abc")
  assert.equal(jar.take("VISIT=; Path=/; Max-Age=0; Secure", HOME).kind, "removed")
  assert.equal(jar.header(HOME), "CART=1")
})

test("a cookie is sent to its path, and to no other host", () => {
  const jar = new Jar()
  jar.take("A=1; Path=/shop", HOME)
  assert.equal(jar.header(new URL("https://app.example/shop")), "A=1")
  assert.equal(jar.header(new URL("https://app.example/shopping")), "")
  assert.equal(jar.header(new URL("https://other.example/shop")), "")
})

for (const [header, reason] of [
  ["__Host-A=1; Path=/", /__Host prefix/],
  ["__Host-A=1; Secure; Path=/shop", /__Host prefix/],
  ["__Host-A=1; Secure; Path=/; Domain=app.example", /__Host prefix/],
  ["__Secure-A=1", /__Secure prefix/],
  ["A=1; Domain=other.example", /host's domain/],
  ["A=1; Domain=example", /public suffix/],
  ["A=1; Domain=com", /public suffix/],
  ["A=1; SameSite=None", /SameSite=None needs Secure beside it/],
  ["A=1; Partitioned", /Partitioned needs Secure beside it/],
  [`A=${"1".repeat(4096)}`, /its name and value have 4097 bytes, more than 4096/],
  [`A=${"é".repeat(2048)}`, /its name and value have 4097 bytes, more than 4096/],
  ["nothing", /isn't a name, an equals sign and a value/],
  ["", /isn't a name, an equals sign and a value/],
] as const)
  test(`a browser refuses ${header.slice(0, 60) || "an empty header"}, and says why`, () => {
    const jar = new Jar()
    const verdict = jar.take(header, HOME)
    assert.equal(verdict.kind, "refused")
    assert.match(verdict.reason, reason)
    assert.equal(jar.header(HOME), "")
  })

test("a cookie of 4096 bytes is the largest that a browser keeps", () => {
  const jar = new Jar()
  assert.equal(jar.take(`A=${"1".repeat(4095)}`, HOME).kind, "stored")
  assert.equal(jar.header(HOME).length, 4097)
})

test("two browsers have cookies of their own", () => {
  const [alice, mallory] = [new Jar(), new Jar()]
  alice.take("A=1", HOME)
  assert.equal(mallory.header(HOME), "")
})

test("a cookie expires by the clock of the lab, and use doesn't make it live longer", () => {
  let now = 0
  const jar = new Jar(() => now * 1000)
  const address = new URL("https://app.example/")
  assert.equal(jar.take("A=1; Max-Age=60", address).kind, "stored")
  assert.equal(jar.take("B=2; Expires=Thu, 01 Jan 1970 00:02:00 GMT", address).kind, "stored")
  assert.equal(jar.take("C=3", address).kind, "stored")
  now = 59
  assert.equal(jar.header(address), "A=1; B=2; C=3")
  assert.deepEqual(jar.expire(), [])
  now = 60
  assert.deepEqual(jar.expire(), ["A"])
  assert.equal(jar.header(address), "B=2; C=3")
  now = 120
  assert.deepEqual(
    jar.cookies.map(({ name }) => name),
    ["C"],
  )
  assert.equal(jar.take("C=; Max-Age=0", address).kind, "removed")
  now = 0 // what has expired doesn't come back
  assert.equal(jar.header(address), "")
})

test("a browser keeps 180 cookies, drops the oldest one first, and takes thousands without a long pause", () => {
  const jar = new Jar()
  const names = () => jar.cookies.map(({ name }) => name)
  const address = new URL("https://app.example/")
  jar.take("FIRST=1; Secure", address)
  for (let number = 0; number < 3000; number++) jar.take(`a${number}=1`, address)
  assert.equal(jar.cookies.length, 180)
  assert.ok(names().includes("FIRST"), "one with Secure is dropped after those without")
  assert.ok(names().includes("a2999"))
  assert.ok(!names().includes("a2820"))
  jar.take("a2999=2", address)
  assert.equal(jar.cookies.length, 180)
  for (let number = 0; number < 200; number++) jar.take(`b${number}=1; Secure`, address)
  assert.deepEqual(
    names().filter((name) => !name.startsWith("b")),
    [],
  )
})

test("a cookie has any name, also one of an object's own properties", () => {
  const jar = new Jar()
  const address = new URL("https://app.example/")
  for (const name of ["__proto__", "constructor", "toString"]) {
    assert.equal(jar.take(`${name}=1; Path=/`, address).kind, "stored")
    assert.equal(jar.take(`${name}=2; Path=/__proto__`, address).kind, "stored")
  }
  assert.equal(jar.header(address), "__proto__=1; constructor=1; toString=1")
  for (const cookie of jar.cookies) jar.delete(cookie)
  assert.deepEqual(jar.cookies, [])
})
