import { mount } from "./block.ts"
import type { Reply } from "./messages.ts"
import { Runner, type Stage } from "./runner.ts"

/** What Material for MkDocs offers when it swaps pages without a reload. */
interface PageChanges {
  subscribe(mounted: () => void): void
}

function openWorker(receive: (reply: Reply) => void, broke: (reason: string) => void): Stage {
  const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" })
  worker.addEventListener("message", (event: MessageEvent<Reply>) => receive(event.data))
  worker.addEventListener("error", (event) => broke(event.message || "its worker could not be loaded"))
  return { post: (request) => worker.postMessage(request), close: () => worker.terminate() }
}

const runner = new Runner(openWorker)

function mountAll(): void {
  runner.stop() // a program whose block the reader has left
  for (const block of document.querySelectorAll<HTMLElement>(".snippet[data-state]")) mount(block, runner)
}

const pageChanges = Reflect.get(globalThis, "document$") as PageChanges | undefined
if (pageChanges) pageChanges.subscribe(mountAll)
else mountAll()
