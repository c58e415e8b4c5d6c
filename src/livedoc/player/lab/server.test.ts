import assert from "node:assert/strict"
import { test } from "node:test"
import type { AppRequest, Command, DiskEntry, Reply } from "../messages.ts"
import { Runner } from "../page/runner.ts"
import { Server } from "./server.ts"

const request: AppRequest = { method: "GET", target: "/", host: "app.example", headers: [], body: new Uint8Array() }
const nothing = {
  kind: "response" as const,
  failure: undefined,
  records: [],
  changed: [],
  removed: [],
  store: { files: [], unlisted: 0, watched: [] },
  disk: [],
}
const file = (path: string) => ({ path, mode: 0o100600, milliseconds: 7, content: new Uint8Array([1]) })
const answer = { status: 200, reason: "OK", headers: [], body: new Uint8Array(), size: 0, seconds: 0, ...nothing }
const begun = { kind: "started" as const, controls: [], failure: undefined, store: nothing.store }

/** A server whose workers the test plays: what it was told, what it says, and how its worker replies. */
function served() {
  const told: string[] = []
  const disks: string[][] = [] // the paths on each, as the workers got them
  const said: string[] = []
  let receive: (reply: Reply) => void = () => undefined
  let broke: (reason: string) => void = () => undefined
  let run = 0
  const open = () =>
    new Runner((to, lost) => {
      told.push("open")
      receive = to
      broke = lost
      return {
        post(command: Command) {
          told.push(command.kind)
          if ("run" in command) ({ run } = command)
          if (command.kind === "serve") disks.push(command.disk.map(({ path }) => path))
        },
        interrupt: () => told.push("interrupt"),
        close: () => told.push("close"),
      }
    })
  const server: Server = new Server(
    open,
    (status, isNews) => said.push(`${server.state}${isNews ? "!" : ""} ${status}`),
    ({ text }) => said.push(`printed ${text}`),
  )
  const reply = {
    running: () => receive({ kind: "running", run }),
    printed: (text: string) => receive({ kind: "output", run, stream: "out", text, back: 0 }),
    done: (...disk: DiskEntry[]) => receive({ kind: "answered", run, answer: { ...begun, disk } }),
    failed: (...disk: DiskEntry[]) => {
      const failure = { traceback: "…", error: "KeyError", line: 3 }
      receive({ kind: "answered", run, answer: { ...begun, failure, disk } })
    },
    answered: (...disk: DiskEntry[]) => receive({ kind: "answered", run, answer: { ...answer, disk } }),
    lost: (reason: string) => broke(reason),
  }
  return { server, told, disks, said, reply }
}

async function started() {
  const story = served()
  const starting = story.server.start("labs/a.py", "app = 1")
  story.reply.running()
  story.reply.done()
  assert.equal((await starting)?.failure, undefined)
  assert.equal(story.server.state, "ready")
  story.told.length = story.said.length = 0
  return story
}

test("a server starts once, and says so", async () => {
  const { server, told, said, reply } = served()
  const starting = server.start("labs/a.py", "app = 1")
  reply.running()
  reply.printed("hello")
  reply.done()
  assert.equal((await starting)?.kind, "started")
  assert.deepEqual(told, ["open", "serve"])
  assert.deepEqual(said, ["starting! Starting", "printed hello", "ready! The server is running"])
})

test("a script that fails ends its server, and the failure is given", async () => {
  const { server, told, said, reply } = served()
  const starting = server.start("labs/a.py", "app = 1")
  reply.running()
  reply.failed()
  assert.equal((await starting)?.failure?.error, "KeyError")
  assert.deepEqual(told, ["open", "serve", "close"])
  assert.equal(said.at(-1), "failed! The app can't start: KeyError, line 3")
})

test("a request is answered, and the answer is the only news", async () => {
  const { server, told, said, reply } = await started()
  const asked = server.ask(request)
  reply.running()
  reply.printed("hello")
  reply.answered()
  assert.equal((await asked)?.kind, "response")
  assert.deepEqual(told, ["request"])
  assert.deepEqual(said, ["busy GET / is on its way", "printed hello", "ready The server is running"])
})

test("a request that can be cancelled leaves the server running", async () => {
  const { server, told, said, reply } = await started()
  const asked = server.ask(request)
  reply.running()
  server.stop()
  reply.answered()
  assert.equal(await asked, undefined)
  assert.deepEqual(told, ["request", "stop"])
  assert.equal(said.at(-1), "ready! The request was stopped, and the server is running")
})

test("a request that can't be cancelled takes the server along, and Start starts another one", async () => {
  const { server, told, said, reply } = await started()
  const asked = server.ask(request)
  reply.running()
  server.stop()
  assert.equal(await asked, undefined) // after the time that it's given
  assert.deepEqual(told, ["request", "stop", "interrupt", "close"])
  assert.equal(said.at(-1), "stopped! The request was stopped by ending the server. Start starts it again")
  void server.start("labs/a.py", "app = 1")
  assert.deepEqual(told.slice(4), ["open", "serve"])
})

test("a server that is stopped while it starts is ended", async () => {
  const { server, told, said } = served()
  const starting = server.start("labs/a.py", "app = 1")
  server.stop()
  assert.equal(await starting, undefined)
  assert.deepEqual(told, ["open", "serve", "close"])
  assert.equal(said.at(-1), "stopped! Stopped. Start starts the server again")
})

test("a restart ends a request that is on its way", async () => {
  const { server, told, said, reply } = await started()
  const asked = server.ask(request)
  reply.running()
  const starting = server.start("labs/a.py", "app = 2")
  assert.equal(await asked, undefined)
  reply.running()
  reply.done()
  await starting
  assert.deepEqual(told, ["request", "close", "open", "serve"])
  assert.deepEqual(said.slice(1), [
    "starting! Starting",
    "ready! The server has started again. What was in its memory is gone",
  ])
})

test("a server finds the disk that the one before it left, whichever way that ended", async () => {
  const { server, disks, said, reply } = await started()
  const asked = server.ask(request)
  reply.running()
  reply.answered(file("/a"))
  await asked
  const failing = server.start("labs/a.py", "{}['app']")
  reply.running()
  reply.failed(file("/a"), { ...file("/folder"), content: undefined }, file("/folder/b"))
  await failing
  const starting = server.start("labs/a.py", "app = 2")
  reply.running()
  reply.done()
  await starting
  assert.deepEqual(disks, [[], ["/a"], ["/a", "/folder", "/folder/b"]])
  assert.equal(
    said.at(-1),
    "ready! The server has started again, with the 2 files that it had. What was in its memory is gone",
  )
})

test("what a request wrote that was ended by force is not on the disk", async () => {
  const { server, disks, reply } = await started()
  void server.ask(request)
  reply.running()
  void server.start("labs/a.py", "app = 2")
  reply.answered(file("/half"))
  assert.deepEqual(disks, [[], []])
})

test("a server whose Python ends says why", async () => {
  const { server, said, reply } = await started()
  const asked = server.ask(request)
  reply.running()
  reply.lost("out of memory")
  assert.equal(await asked, undefined)
  assert.equal(said.at(-1), "failed! Python ended: out of memory. Start starts it again")
})

test("a start takes the worker that was made ready for it, and the next one another", async () => {
  const { server, told, reply } = await started()
  server.prepare("app = 2")
  const starting = server.start("labs/a.py", "app = 2")
  reply.running()
  reply.done()
  assert.equal((await starting)?.kind, "started")
  assert.deepEqual(told.splice(0), ["open", "prepare", "close", "serve"])
  void server.start("labs/a.py", "app = 3")
  assert.deepEqual(told, ["close", "open", "serve"])
})

test("a server that is closed leaves no worker that was made ready", async () => {
  const { server, told } = await started()
  server.prepare("app = 2")
  server.close()
  assert.deepEqual(told, ["open", "prepare", "close", "close"])
})

test("nothing is heard of a server that was closed", async () => {
  const { server, said, reply } = await started()
  const asked = server.ask(request)
  reply.running()
  server.close()
  reply.answered()
  assert.equal(await asked, undefined)
  assert.deepEqual(said, ["busy GET / is on its way"])
})
