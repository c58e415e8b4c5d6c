import { Block, type Surroundings } from "./block.ts"
import { Edits } from "./edits.ts"
import { element } from "./element.ts"
import { Folds } from "./folds.ts"
import { markHidden } from "./hidden.ts"
import { guardKeys } from "./keys.ts"
import { Offline } from "./offline.ts"
import { imported, isOutdated } from "./release.ts"
import { Runner } from "./runner.ts"
import type { Shared } from "./share.ts"
import { openWorker } from "./worker_link.ts"

/** What Material for MkDocs offers when it swaps pages without a reload. */
interface PageChanges {
  subscribe(mounted: () => void): void
}

const home = new URL("../../", import.meta.url)
const self = new URL(import.meta.url)
const besides = (name: string) => new URL(name, self)
const [worker, editor, lab] = [besides(WORKER), besides(EDITOR), besides(LAB)]
const [lesson, details, exercise] = [besides(LESSON), besides(DETAILS), besides(EXERCISE)]
const ONLY_SOME_PAGES = [
  ["[data-step]", lesson],
  ["[data-exercise]", exercise],
] as const
const offline = new Offline(home.href, DOWNLOAD_SIZE)

const surroundings: Surroundings = {
  runner: new Runner(openWorker),
  edits: new Edits(() => localStorage),
  loadEditor: () => imported(editor.href) as Promise<typeof import("../editor/editor.ts")>,
  loadLab: () => imported(lab.href) as Promise<typeof import("../lab/lab.ts")>,
  loadDetails: () => imported(details.href) as Promise<typeof import("./details.ts")>,
  anotherRunner: () => new Runner(openWorker),
  isOutdated: () => isOutdated([self, worker, editor, lab, lesson, details, exercise], self, home),
  downloadSize: DOWNLOAD_SIZE,
  ran: () => void offline.begin(),
  leaveLink() {
    // To an entry without a state Material gives its hash back, if it is still fetching the page for it.
    const state: unknown = history.state ?? { x: scrollX, y: scrollY }
    history.replaceState(state, "", location.pathname + location.search)
  },
}

let blocks: Block[] = []
let entries = 0 // of the browser's history, when the page was last changed
let shownPath = "" // of the page that they are on

async function mountAll(): Promise<void> {
  // Material fetches a page that is shown already: at the first link within it, and on some ways back.
  if (shownPath === location.pathname)
    for (const root of bare()) blocks.find((block) => block.isFrom(root))?.moveTo(root)
  shownPath = location.pathname
  entries = history.length
  for (const root of document.querySelectorAll<HTMLElement>("[data-needs]"))
    if (root.querySelector("p.snippet-fold")) new Folds(root) // older browsers don't know :has
  const shared = await brought()
  const here = blocks.filter((block) => block.isHere)
  for (const block of blocks) if (!block.isHere) block.leave()
  if (here.length < blocks.length) surroundings.runner.stop() // a program whose block the reader has left
  blocks = [...here, ...bare().map((root) => new Block(root, surroundings))]
  for (const [marker, module] of ONLY_SOME_PAGES) if (document.querySelector(marker)) void mount(module)
  const open = typeof shared === "object" ? blockFor(shared) : undefined
  if (!open || !here.includes(open)) showShared(shared)
  void offline.visit()
}

/** The reader has followed a link within the page, or gone back or forward in it. */
async function follow(): Promise<void> {
  const isNew = history.length !== entries // an entry of the browser's history, which Back and Forward don't add
  entries = history.length
  const shared = await brought()
  if (!shared && !isNew) for (const block of blocks) block.close()
  showShared(shared)
}

/** Gives steps or exercises their buttons. */
async function mount(module: URL): Promise<void> {
  try {
    const { mount } = (await imported(module.href)) as typeof import("./lesson.ts") | typeof import("./exercise.ts")
    mount(blocks)
  } catch {
    // The steps can be done by hand, and what an exercise's buttons show is folded on the page, until the next visit.
  }
}

/** What a link brought. Only a page that was opened by such a link needs what reads it. */
async function brought(): Promise<Shared | "broken" | "unreadable" | undefined> {
  const { hash } = location
  if (!hash.startsWith("#try=")) return undefined
  try {
    return await (await surroundings.loadDetails()).sharedBy(hash)
  } catch {
    return "unreadable"
  }
}

/** Where blocks are to be. */
function bare(): HTMLElement[] {
  const all = document.querySelectorAll<HTMLElement>(".snippet[data-state]")
  return [...all].filter((root) => !root.querySelector(".snippet-actions"))
}

/** Shows what a link brought, in its block, or by itself if that is gone. */
function showShared(shared: Awaited<ReturnType<typeof brought>>): void {
  document.querySelector(".snippet-lost")?.remove()
  if (!shared) return
  const lost = element("aside", "snippet-lost", { "aria-label": "Shared code" })
  if (shared === "broken") lost.append("This link is damaged: ask for it again. The page below is as it was written.")
  else if (shared === "unreadable")
    lost.append("The code in this link can't be read here. Reload the page, or use a newer browser.")
  else {
    const block = blockFor(shared)
    if (block) return block.open(shared)
    const code = element("pre", "", { tabindex: "0" }, shared.script)
    markHidden(code)
    lost.append("The example that this link is for is no longer here. Its code:", code)
  }
  document.querySelector("article")?.prepend(lost)
}

/** The block that a link is for, also if its page has come to show other sections of that file. */
function blockFor({ block }: Shared): Block | undefined {
  const file = (name: string) => name.slice(0, name.lastIndexOf(":"))
  return blocks.find(({ name }) => name === block) ?? blocks.find(({ name }) => file(name) === file(block))
}

const pageChanges = Reflect.get(globalThis, "document$") as PageChanges | undefined
if (pageChanges) pageChanges.subscribe(() => void mountAll())
else void mountAll()
guardKeys(document)
addEventListener("hashchange", () => void follow())
for (const event of ["storage", "pageshow"]) addEventListener(event, () => blocks.forEach((block) => block.look()))
