import assert from "node:assert/strict"
import { test } from "node:test"
import { cookieParts, setCookieParts } from "./cookie_parts.ts"

test("the parts of a header are the header", () => {
  for (const header of ["A=1", "A=1; B=2; C", "A=b=c; B=", ""]) {
    const parts = cookieParts(header)
    assert.equal(parts.map(({ before, text, after }) => before + text + after).join(""), header)
  }
  for (const header of ["A=1", "A=1; Path=/;HttpOnly;  Max-Age=60;", "A=; odd; =; B==", ""]) {
    const parts = setCookieParts(header)
    assert.equal(parts.map(({ before, text, after }) => before + text + after).join(""), header)
  }
})

test("a cookie that is sent is explained by its name", () => {
  const [first, second] = cookieParts("VISIT=abc; CART=x=y")
  assert.match(first?.meaning ?? "", /^The browser sends VISIT because the app set it\./)
  assert.match(second?.meaning ?? "", /^The browser sends CART /)
})

for (const [attribute, meaning] of [
  ["Secure", "The browser sends the cookie over HTTPS only."],
  ["httponly", "The page's JavaScript can't read the cookie."],
  ["SameSite=Lax", "From another site, the browser sends the cookie only when someone follows a link to the app."],
  ["SameSite=strict", "The browser sends the cookie only with requests that come from the app's own site."],
  ["SameSite=None", "The browser sends the cookie with requests from any site. It must be Secure for that."],
  ["SameSite=Odd", "Browsers don't know this value and treat it like Lax."],
  ["Path=/", "The browser sends the cookie to every path of the host."],
  ["Path=/shop", "The browser sends the cookie to /shop and the paths below it."],
  ["Path=shop", "This isn't a path, so browsers take the folder of the address that was asked for."],
  ["Domain=app.example", "The browser sends the cookie to app.example and to all hosts below it."],
  ["Max-Age=604800", "The browser deletes the cookie after 604800 seconds, which is 7 days."],
  ["Max-Age=3600", "The browser deletes the cookie after 3600 seconds, which is 1 hour."],
  ["Max-Age=1", "The browser deletes the cookie after 1 second."],
  ["Max-Age=0", "The browser deletes the cookie now."],
  ["Max-Age=soon", "This isn't a number of seconds, so browsers ignore it."],
  ["Expires=soon", "This isn't a date, so browsers ignore it."],
  [
    "Expires=Wed, 01 Jan 2020 00:00:00 GMT",
    "The time has passed, so the browser deletes the cookie now. If there is a Max-Age, that counts instead.",
  ],
  [
    "Expires=Fri, 31 Dec 9999 23:59:59 GMT",
    "The browser deletes the cookie at this time. If there is a Max-Age, that counts instead.",
  ],
  [
    "Partitioned",
    "In a frame of another site, the browser keeps the cookie apart for each site that is around the frame.",
  ],
  ["Colour=blue", "Browsers don't know this attribute and ignore it."],
  ["constructor", "Browsers don't know this attribute and ignore it."],
  ["SameSite=constructor", "Browsers don't know this value and treat it like Lax."],
] as const)
  test(`${attribute} is explained`, () => {
    assert.equal(setCookieParts(`A=1; ${attribute}`)[1]?.meaning, meaning)
  })

test("a prefix of the name is explained with it", () => {
  assert.match(setCookieParts("__Host-A=1")[0]?.meaning ?? "", /Browsers accept a name with __Host- only with Secure/)
  assert.match(
    setCookieParts("__secure-A=1")[0]?.meaning ?? "",
    /Browsers accept a name with __Secure- only over HTTPS/,
  )
  assert.doesNotMatch(setCookieParts("A=__Host-")[0]?.meaning ?? "", /accept/)
})
