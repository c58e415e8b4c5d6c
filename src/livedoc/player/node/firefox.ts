// Uses the served site in Firefox as a reader would, by WebDriver BiDi:
//   node firefox.ts FIREFOX PROFILE PREFERENCES ORIGIN PROGRAMS PATH...
// PROFILE is an empty folder, PREFERENCES a JSON object, PROGRAMS a JSON array of strings. It presses Run in each block of
// each page, and plays the steps of its laboratory if it has one. It follows links from page to page. Then it types a
// program that never ends into a block of the first page that has blocks, stops the program, and runs PROGRAMS there. Last,
// it runs the first of them again, leaves the editor, presses the theme's keys, and has two tabs edit that block. What
// happened is printed as JSON.

import process from "node:process"
import { type ElementHandle, launch, type Page } from "puppeteer-core"
import { type Played, played } from "./lesson.ts"

interface Ran {
  snippet: string
  state: string
  printed: string
  promised: string
  error: string
}

interface Seen {
  stackSwitching: boolean
  pages: Record<string, Ran[]>
  /** The steps of each page. */
  lessons: Record<string, Played[]>
  stopped: { state: string; next: Ran }
  /** What came of each program. */
  programs: Ran[]
  /** How many pixels of what each program printed, and of its error, are below what is shown of them. */
  rests: [number, number][]
  /** The path of the page after the keys of the theme. */
  path: string
  /** Null where the browser keeps nothing, and one tab knows nothing of another. */
  tabs: { notice: string; undone: string } | null
  /** What the theme says of its search for "session". */
  found: string
  trouble: string[]
}

const BLOCK = "[data-snippet][data-state]"
const ENDED = ["done", "failed", "stopped"]
const PATIENCE = 60_000 // milliseconds for each step, enough on a busy machine

/** Waits for pending requests first: Firefox would report a cancelled one as an error of the service worker. */
async function open(page: Page, url: string): Promise<ElementHandle[]> {
  await settled(page)
  await page.goto(url)
  return await runnable(page)
}

/** The blocks of the page, once the player has started. */
async function runnable(page: Page): Promise<ElementHandle[]> {
  const blocks = await page.$$(BLOCK)
  await Promise.all(blocks.map((block) => named(block, "Run")))
  return blocks
}

/** Follows the link of the navigation to a page, which the theme swaps in, so Python stays. */
async function follow(page: Page, path: string): Promise<ElementHandle[]> {
  const pathname = `/${path}/`.replaceAll("//", "/")
  await settled(page)
  await page.evaluate((pathname) => {
    document.documentElement.dataset.kept = ""
    document.querySelector("article")?.classList.add("left")
    const links = [...document.querySelectorAll<HTMLAnchorElement>(".md-header a, .md-nav a, .md-tabs a")]
    const link = links.find((to) => to.origin === location.origin && to.pathname === pathname && !to.hash)
    if (!link) throw new Error(`no link leads to ${pathname}`)
    link.click()
  }, pathname)
  await page.waitForFunction(
    (pathname) =>
      location.pathname === pathname &&
      "kept" in document.documentElement.dataset &&
      !document.querySelector("article.left"),
    {},
    pathname,
  )
  return await runnable(page)
}

async function settled(page: Page): Promise<void> {
  await page.waitForFunction(
    () => document.readyState === "complete" && [...document.images].every((it) => it.complete),
  )
  await page.waitForNetworkIdle()
}

/** The images of the page that couldn't be loaded. */
async function missing(page: Page): Promise<string[]> {
  await settled(page)
  return await page.$$eval("img", (all) => all.filter((it) => !it.naturalWidth).map((it) => `no image: ${it.src}`))
}

/** The button of the block with a name that begins with `verb`. */
async function named(block: ElementHandle, verb: string): Promise<ElementHandle> {
  const found = await block.frame.waitForFunction(
    (block, verb) =>
      [...block.querySelectorAll("button")].find((button) => (button.ariaLabel ?? button.innerText).startsWith(verb)),
    {},
    block,
    verb,
  )
  return found as ElementHandle
}

async function press(block: ElementHandle, verb: string): Promise<void> {
  const button = await named(block, verb)
  await button.click()
}

async function reaches(block: ElementHandle, states: string[]): Promise<void> {
  const isThere = (block: Element, states: string[]) => states.includes(block.getAttribute("data-state") ?? "")
  await block.frame.waitForFunction(isThere, {}, block, states)
}

async function rests(block: ElementHandle): Promise<[number, number]> {
  const [output, error] = await block.$$eval("[data-output], [data-error]", (boxes) =>
    boxes.map((box) => box.scrollHeight - box.clientHeight - box.scrollTop),
  )
  return [output ?? NaN, error ?? NaN]
}

async function run(block: ElementHandle): Promise<Ran> {
  await block.evaluate((block) => block.closest(".exercise-solution")?.setAttribute("open", ""))
  await press(block, "Run")
  await reaches(block, ENDED)
  return await block.evaluate((block) => ({
    snippet: block.getAttribute("data-snippet") ?? "",
    state: block.getAttribute("data-state") ?? "",
    printed: block.querySelector("[data-output]")?.textContent ?? "",
    promised: block.querySelector("[data-promised]")?.textContent ?? "",
    error: block.querySelector("[data-error]")?.textContent ?? "",
  }))
}

async function edit(page: Page, block: ElementHandle): Promise<void> {
  await press(block, "Edit")
  await page.waitForFunction(
    (block) => block.contains(document.activeElement) && !(document.activeElement instanceof HTMLButtonElement),
    {},
    block,
  )
  await page.keyboard.down("Control")
  await page.keyboard.press("a")
  await page.keyboard.up("Control")
}

async function type(page: Page, block: ElementHandle, code: string): Promise<void> {
  await edit(page, block)
  await page.keyboard.type(code)
}

/** Unlike what is typed, this gets no indentation and no brackets from the editor. */
async function insert(page: Page, block: ElementHandle, code: string): Promise<void> {
  await edit(page, block)
  await page.evaluate((code) => document.execCommand("insertText", false, code), code)
}

async function stopped(page: Page, block: ElementHandle): Promise<Seen["stopped"]> {
  await type(page, block, "while True: pass")
  await press(block, "Run")
  await reaches(block, ["running"])
  await press(block, "Stop")
  await reaches(block, ENDED)
  const state = await block.evaluate((block) => block.getAttribute("data-state") ?? "")
  await type(page, block, "print(__import__('csv').__name__)") // which Python doesn't start with
  return { state, next: await run(block) }
}

/** The path of the page after the keys of the theme were pressed beside the editor. */
async function keyed(page: Page, block: ElementHandle): Promise<string> {
  await edit(page, block)
  await page.keyboard.press("Escape")
  for (const key of ["n", "p", "s", "/", "."] as const) await page.keyboard.press(key)
  return new URL(page.url()).pathname
}

/** What a block says once another tab has changed it too, and its code once Reset was undone. */
async function inTwoTabs(page: Page, block: ElementHandle): Promise<Seen["tabs"]> {
  if (await page.evaluate(isStorageBlocked)) return null
  await insert(page, block, "print('mine')")
  const other = await page.browser().newPage()
  const [theirs] = await open(other, page.url())
  if (!theirs) throw new Error("the other tab has no block")
  await insert(other, theirs, "print('theirs')")
  await other.close()
  await page.bringToFront()
  const notice = await page.waitForFunction(
    (block) => /Another tab.*/.exec(block.querySelector(".snippet-notice")?.textContent ?? "")?.[0],
    {},
    block,
  )
  await press(block, "Reset")
  await press(block, "Undo")
  const undone = await run(block)
  return { notice: (await notice.jsonValue()) as string, undone: undone.printed }
}

function isStorageBlocked(): boolean {
  try {
    return !localStorage
  } catch {
    return true
  }
}

async function searched(page: Page): Promise<string> {
  await page.evaluate(() => document.querySelector<HTMLElement>("h1")?.click())
  await page.click(".md-search__input")
  await page.keyboard.type("session")
  const meta = await page.waitForFunction(() =>
    /matching/.exec(document.querySelector(".md-search-result__meta")?.textContent ?? "")?.input.trim(),
  )
  return (await meta.jsonValue()) as string
}

async function read(page: Page, origin: string, programs: string[], paths: string[]): Promise<Seen> {
  page.setDefaultTimeout(PATIENCE)
  const trouble = troubleOf(page, origin)
  const pages: Seen["pages"] = {}
  const lessons: Seen["lessons"] = {}
  for (const [number, path] of paths.entries()) {
    const ran: Ran[] = (pages[path] = [])
    const blocks = number === 0 ? await open(page, `${origin}/${path}`) : await follow(page, path)
    for (const block of blocks) ran.push(await run(block))
    lessons[path] = await played(page)
    trouble.push(...(await missing(page)))
  }
  const editable = paths.find((path) => pages[path]?.length)
  const opened = async () => {
    const [block] = await open(page, `${origin}/${editable}`)
    if (!block) throw new Error(`no block of ${paths.join(", ")} can be run`)
    return block
  }
  const block = await opened()
  const stackSwitching = await page.evaluate(() => "Suspending" in WebAssembly)
  const ended = await stopped(page, block)
  const found = await searched(page)
  trouble.push(...(await missing(page)))
  const seen = { stackSwitching, pages, lessons, stopped: ended, found, trouble: [...trouble] } // Pyodide tells of its end
  const another = await opened()
  const results: Ran[] = []
  const below: Seen["rests"] = []
  for (const program of programs) {
    await insert(page, another, program)
    results.push(await run(another))
    below.push(await rests(another))
  }
  const path = await keyed(page, another)
  return { ...seen, programs: results, rests: below, path, tabs: await inTwoTabs(page, another) }
}

/** An array that gets each error, and each request to another origin, when it happens. */
function troubleOf(page: Page, origin: string): string[] {
  const trouble: string[] = []
  const ours = [`${origin}/`, "data:", "blob:"]
  page.on("request", (request) => {
    if (!ours.some((start) => request.url().startsWith(start))) trouble.push(`request: ${request.url()}`)
  })
  page.on("console", (message) => {
    if (message.type() === "error") trouble.push(`console: ${message.text()}`)
  })
  page.on("pageerror", (error) => trouble.push(String(error)))
  return trouble
}

const [executablePath = "", userDataDir = "", preferences = "", origin = "", programs = "", ...paths] =
  process.argv.slice(2)
const firefox = await launch({
  browser: "firefox",
  executablePath,
  userDataDir,
  extraPrefsFirefox: JSON.parse(preferences) as Record<string, unknown>,
  env: { ...process.env, HOME: userDataDir }, // for root, Firefox doesn't start with another user's home
})
try {
  console.log(JSON.stringify(await read(await firefox.newPage(), origin, JSON.parse(programs) as string[], paths)))
} finally {
  await firefox.close()
}
