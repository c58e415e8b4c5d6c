import assert from "node:assert/strict"
import { test } from "node:test"
import { Jar } from "./jar.ts"
import { cookieViews, identity } from "./jar_panel.ts"
import { rounded } from "./log_panel.ts"

const HOME = new URL("https://app.example/shop/cart")
const values = (jar: Jar) => new Map(jar.cookies.map((cookie) => [identity(cookie), cookie.value]))
const marks = (jar: Jar, before = new Map<string, string>()) =>
  cookieViews(jar.cookies, before).map(({ cookie, mark, length }) => `${cookie.name}${cookie.path} ${length} ${mark}`)

test("a cookie is new, then known, then changed", () => {
  const jar = new Jar()
  jar.take("A=12; Path=/; Secure", HOME)
  assert.deepEqual(marks(jar), ["A/ 2 characters new"])
  const before = values(jar)
  jar.take("B=1; Path=/", HOME)
  assert.deepEqual(marks(jar, before), ["A/ 2 characters ", "B/ 1 character new"])
  jar.take("A=345; Path=/; Secure", HOME)
  assert.deepEqual(marks(jar, before), ["A/ 3 characters changed", "B/ 1 character new"])
})

test("cookies of one name and several paths are told apart", () => {
  const jar = new Jar()
  jar.take("A=1; Path=/", HOME)
  jar.take("A=2; Path=/shop", HOME)
  const [root, shop] = jar.cookies
  assert.deepEqual(marks(jar, values(jar)), ["A/ 1 character ", "A/shop 1 character "])
  jar.tamper(shop!)
  assert.deepEqual(
    jar.cookies.map(({ value, isTampered }) => [value, isTampered]),
    [
      ["1", false],
      ["A", true],
    ],
  )
  jar.delete(root!)
  assert.equal(jar.header(HOME), "A=A")
})

test("the attributes of a cookie are those that set it", () => {
  const jar = new Jar()
  jar.take("A=1; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Lax", HOME)
  assert.match(jar.cookies[0]!.header, /^A=1; Max-Age=60; Path=\/; Secure; HttpOnly; SameSite=Lax$/i)
})

for (const [value, other] of [
  ["abc", "Abc"],
  ["Abc", "Bbc"],
  ["Bbc", "Abc"],
] as const)
  test(`tampering with ${value} makes it ${other}`, () => {
    const jar = new Jar()
    jar.take(`A=${value}; Path=/`, HOME)
    jar.tamper(jar.cookies[0]!)
    assert.equal(jar.header(HOME), `A=${other}`)
  })

test("what was tampered with is as the app wants it once the app sets it again", () => {
  const jar = new Jar()
  jar.take("A=abc; Path=/", HOME)
  jar.tamper(jar.cookies[0]!)
  jar.take("A=new; Path=/", HOME)
  assert.equal(jar.cookies[0]!.isTampered, false)
})

test("a copied cookie says where it came from, goes its own way, and expires with the one that it was copied from", () => {
  let now = 0
  const [alice, mallory] = [new Jar(() => now), new Jar(() => now)]
  alice.take("A=abc; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Lax", HOME)
  mallory.take("A=own; Path=/", HOME)
  mallory.tamper(mallory.cookies[0]!)
  mallory.receive(alice.cookies[0]!, alice, "Alice")
  const [copy] = mallory.cookies
  assert.deepEqual([copy?.value, copy?.copiedFrom, copy?.isTampered], ["abc", "Alice", false])
  assert.equal(copy?.header, alice.cookies[0]?.header)
  alice.tamper(alice.cookies[0]!)
  assert.deepEqual([alice.header(HOME), mallory.header(HOME)], ["A=Abc", "A=abc"])
  now = 59_999
  assert.equal(mallory.header(HOME), "A=abc")
  now = 60_000
  assert.deepEqual(mallory.cookies, [])
})

test("what was copied is neither what the reader has tampered with nor what the app sets later", () => {
  const [alice, mallory] = [new Jar(), new Jar()]
  alice.take("A=A; Path=/", HOME)
  mallory.take("A=B; Path=/", HOME)
  mallory.tamper(mallory.cookies[0]!)
  mallory.receive(alice.cookies[0]!, alice, "Alice")
  assert.deepEqual([mallory.header(HOME), mallory.cookies[0]?.isTampered], ["A=A", false])
  mallory.take("A=new; Path=/", HOME)
  assert.equal(mallory.cookies[0]?.copiedFrom, "")
})

test("a cookie that is gone from the jar is not copied", () => {
  const [alice, mallory] = [new Jar(), new Jar()]
  alice.take("A=abc; Path=/", HOME)
  const [cookie] = alice.cookies
  alice.delete(cookie!)
  mallory.receive(cookie!, alice, "Alice")
  assert.deepEqual(mallory.cookies, [])
})

test("a cookie that has expired is not in the jar", (context) => {
  context.mock.timers.enable({ apis: ["Date"], now: 1_000_000 })
  const jar = new Jar()
  jar.take("A=1; Max-Age=60", HOME)
  assert.equal(jar.cookies.length, 1)
  context.mock.timers.tick(61_000)
  assert.deepEqual(jar.cookies, [])
})

test("the last refusals are kept with their reasons, the newest first", () => {
  const jar = new Jar()
  for (let number = 1; number < 8; number++) jar.take(`C${number}=1; SameSite=None`, HOME)
  assert.deepEqual(
    jar.refusals.map(({ name }) => name),
    ["C7", "C6", "C5", "C4", "C3"],
  )
  assert.equal(jar.refusals[0]?.header, "C7=1; SameSite=None")
  assert.match(jar.refusals[0]?.reason ?? "", /needs Secure/)
})

test("a logged number loses the decimals that say nothing", () => {
  assert.deepEqual(["0.123456", "12", "1.5", "a1.23456"].map(rounded), ["0.123", "12", "1.5", "a1.23456"])
})
