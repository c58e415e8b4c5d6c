import assert from "node:assert/strict"
import { test, type TestContext } from "node:test"
import type { Command, Reply } from "../messages.ts"
import { openWorker, type WorkerHandle, WorkerLink } from "./worker_link.ts"

class FakeWorker implements WorkerHandle {
  readonly reply: (reply: Reply) => void
  readonly breakDown: (reason: string) => void
  did: string[] = []

  constructor(receive: (reply: Reply) => void, broke: (reason: string) => void) {
    this.reply = receive
    this.breakDown = broke
  }

  post(command: Command): void {
    this.did.push(command.kind)
  }

  interrupt(): void {
    this.did.push("interrupt")
  }

  close(): void {
    this.did.push("close")
  }
}

/** A link, the workers that it has opened so far, and what it has told. `lost` is called when it loses one. */
function linked(lost: () => void = () => undefined): { link: WorkerLink; workers: FakeWorker[]; told: string[] } {
  const workers: FakeWorker[] = []
  const told: string[] = []
  const open = (receive: (reply: Reply) => void, broke: (reason: string) => void) => {
    const worker = new FakeWorker(receive, broke)
    workers.push(worker)
    return worker
  }
  const link = new WorkerLink(
    open,
    ({ kind }) => told.push(kind),
    (reason) => {
      told.push(`lost: ${reason}`)
      lost()
    },
  )
  return { link, workers, told }
}

const nothing = () => undefined
const prepare: Command = { kind: "prepare", isServed: false, source: "" }
const running: Reply = { kind: "running", run: 1 }

test("a worker is opened by the first command and gets all of them", () => {
  const { link, workers, told } = linked()
  assert.equal(workers.length, 0)
  link.post(prepare)
  link.post({ kind: "stop", run: 1 })
  link.interrupt()
  workers[0]?.reply(running)
  assert.deepEqual(
    workers.map(({ did }) => did),
    [["prepare", "stop", "interrupt"]],
  )
  assert.deepEqual(told, ["running"])
})

test("neither an interrupt nor a close opens a worker", () => {
  const { link, workers } = linked()
  link.interrupt()
  link.close()
  assert.equal(workers.length, 0)
})

test("a worker that was closed is not heard, and the next command opens another one", () => {
  const { link, workers, told } = linked()
  link.post(prepare)
  link.close()
  link.close()
  workers[0]?.reply(running)
  workers[0]?.breakDown("too late")
  link.post(prepare)
  workers[0]?.reply(running)
  workers[0]?.breakDown("too late")
  assert.deepEqual(told, [])
  workers[1]?.reply(running)
  assert.deepEqual(told, ["running"])
  assert.deepEqual(
    workers.map(({ did }) => did),
    [["prepare", "close"], ["prepare"]],
  )
})

test("a worker that breaks is closed and said to be lost once, and the next command opens another one", () => {
  const { link, workers, told } = linked()
  link.post(prepare)
  workers[0]?.breakDown("no network")
  workers[0]?.breakDown("no network")
  assert.deepEqual(told, ["lost: no network"])
  assert.deepEqual(workers[0]?.did, ["prepare", "close"])
  link.post(prepare)
  assert.equal(workers.length, 2)
})

test("when a worker is lost, another one can be opened at once", () => {
  const { link, workers } = linked(() => link.post(prepare))
  link.post(prepare)
  workers[0]?.breakDown("gone")
  assert.deepEqual(
    workers.map(({ did }) => did),
    [["prepare", "close"], ["prepare"]],
  )
})

test("a worker that cannot be opened, or takes no command, is lost, and the next command tries again", () => {
  const told: string[] = []
  let opened = 0
  const open = () => {
    if (++opened === 1) throw new ReferenceError("Worker is not defined")
    return { post: () => assert.fail("not cloned"), interrupt: () => undefined, close: () => told.push("close") }
  }
  const link = new WorkerLink(
    open,
    () => undefined,
    (reason) => told.push(reason),
  )
  link.post(prepare)
  link.post(prepare)
  link.post(prepare)
  assert.equal(opened, 3)
  assert.deepEqual(told, ["Worker is not defined", "close", "not cloned", "close", "not cloned"])
})

/** The browser's Worker, as far as `openWorker` uses it. */
class BrowserWorker extends EventTarget {
  static last: BrowserWorker
  static opened = 0
  readonly posted: Command[] = []
  isTerminated = false

  constructor() {
    super()
    BrowserWorker.last = this
    BrowserWorker.opened++
  }

  postMessage(command: Command): void {
    this.posted.push(command)
  }

  terminate(): void {
    this.isTerminated = true
  }
}

const { SharedArrayBuffer } = globalThis
const PAGES = [
  { page: "an isolated page", crossOriginIsolated: true, shared: SharedArrayBuffer },
  { page: "a page that is not isolated", crossOriginIsolated: false, shared: SharedArrayBuffer },
  { page: "an isolated page without memory to share", crossOriginIsolated: true, shared: undefined },
  { page: "a page that knows of neither", crossOriginIsolated: undefined, shared: undefined },
]
for (const { page, crossOriginIsolated, shared } of PAGES) {
  const canInterrupt = Boolean(crossOriginIsolated && shared)
  test(`${page} ${canInterrupt ? "can" : "cannot"} interrupt its worker`, () => {
    Object.assign(globalThis, { Worker: BrowserWorker, WORKER: "./worker.js", crossOriginIsolated })
    Object.assign(globalThis, { SharedArrayBuffer: shared })
    if (!shared) Reflect.deleteProperty(globalThis, "SharedArrayBuffer")
    const told: unknown[] = []
    const handle = openWorker(
      (reply) => told.push(reply.kind),
      (reason) => told.push(reason),
    )
    const worker = BrowserWorker.last
    handle.post(prepare)
    assert.deepEqual(
      worker.posted.map(({ kind }) => kind),
      ["open", "prepare"],
    )
    handle.interrupt()
    const interrupts = worker.posted[0]?.kind === "open" ? worker.posted[0].interrupts : undefined
    assert.equal(interrupts?.[0], canInterrupt ? 2 : undefined)
    worker.dispatchEvent(new MessageEvent("message", { data: running }))
    worker.dispatchEvent(new Event("error"))
    worker.dispatchEvent(Object.assign(new Event("error"), { message: "SyntaxError" }))
    assert.deepEqual(told, ["running", "its worker could not be loaded", "SyntaxError"])
    handle.close()
    assert.ok(worker.isTerminated)
  })
}

test("a browser without WebAssembly opens no worker, and says why", () => {
  const { WebAssembly } = globalThis
  Reflect.deleteProperty(globalThis, "WebAssembly")
  try {
    const open = () => openWorker(nothing, nothing)
    assert.throws(open, /^Error: this browser has no WebAssembly, which Python needs$/)
  } finally {
    Object.assign(globalThis, { WebAssembly })
  }
})

/** Opens a worker that can't be loaded, while the host gives this answer. */
async function openMissing(t: TestContext, status: number): Promise<{ told: string[]; opened: number }> {
  const asked: unknown[] = []
  t.mock.method(globalThis, "fetch", async (_: unknown, { cache }: RequestInit) => {
    asked.push(cache)
    return new Response("", { status })
  })
  Object.assign(globalThis, { Worker: BrowserWorker, WORKER: "./worker.js", crossOriginIsolated: false })
  BrowserWorker.opened = 0
  const told: string[] = []
  const handle = openWorker(
    () => assert.fail("heard"),
    (reason) => told.push(reason),
  )
  handle.post(prepare)
  BrowserWorker.last.dispatchEvent(new Event("error"))
  await new Promise((resolve) => setTimeout(resolve))
  assert.deepEqual(asked, ["reload"])
  return { told, opened: BrowserWorker.opened }
}

test("a worker that could not be loaded is asked for once more, and gets all commands again", async (t) => {
  assert.deepEqual(await openMissing(t, 200), { told: [], opened: 2 })
  const { last } = BrowserWorker
  assert.deepEqual(
    last.posted.map(({ kind }) => kind),
    ["open", "prepare"],
  )
  last.dispatchEvent(new Event("error"))
  await new Promise((resolve) => setTimeout(resolve))
  assert.equal(BrowserWorker.last, last)
})

test("a worker that the host does not have is not opened again", async (t) => {
  assert.deepEqual(await openMissing(t, 404), { told: ["its worker could not be loaded"], opened: 1 })
})

test("a worker that was closed is not opened again", async (t) => {
  t.mock.method(globalThis, "fetch", async () => new Response())
  Object.assign(globalThis, { Worker: BrowserWorker, WORKER: "./worker.js", crossOriginIsolated: false })
  BrowserWorker.opened = 0
  const untold = () => assert.fail("told")
  const handle = openWorker(untold, untold)
  BrowserWorker.last.dispatchEvent(new Event("error"))
  handle.close()
  await new Promise((resolve) => setTimeout(resolve))
  assert.equal(BrowserWorker.opened, 1)
})
