import assert from "node:assert/strict"
import { test } from "node:test"
import { MessageChannel, type MessagePort } from "node:worker_threads"
import type { Reply, Request } from "../messages.ts"
import { type Ending, type OpenStage, Runner, Stopped, Unavailable } from "../runner.ts"

type Reaction = (request: Request, reply: (reply: Reply) => void) => void

/** Stages at the other end of real message ports; `ports` holds those that are still open. */
function stages(react: Reaction): { open: OpenStage; opened: () => number; ports: Set<MessagePort> } {
  const ports = new Set<MessagePort>()
  let opened = 0
  const open: OpenStage = (receive) => {
    opened++
    const { port1: page, port2: worker } = new MessageChannel()
    ports.add(worker)
    page.on("message", receive)
    worker.on("message", (request: Request) => react(request, (reply) => worker.postMessage(reply satisfies Reply)))
    const close = () => {
      ports.delete(worker)
      page.close()
    }
    return { post: (request) => page.postMessage(request), close }
  }
  return { open, opened: () => opened, ports }
}

function closeAll(ports: Set<MessagePort>): void {
  for (const port of ports) port.close()
}

const nothing = () => undefined

/** Prints its source, then ends; "wait" never ends; "crash" cannot start. */
const echo: Reaction = ({ run, source }, reply) => {
  if (source === "crash") return reply({ kind: "unavailable", run, reason: "no network" })
  reply({ kind: "running", run })
  reply({ kind: "output", run, text: source })
  if (source !== "wait") reply({ kind: "done", run, seconds: 0 })
}

/** Starts a run and resolves once it prints. */
function printing(runner: Runner, source: string): Promise<{ ending: Promise<Ending> }> {
  return new Promise((resolve) => {
    const ending = runner.run("a.py", source, (reply) => reply.kind === "output" && resolve({ ending }))
    ending.catch(nothing)
  })
}

test("a run is watched from its start to its end", async () => {
  const { open, ports } = stages(echo)
  const seen: string[] = []
  const ending = await new Runner(open).run("a.py", "hello", (reply) => seen.push(reply.kind))
  assert.deepEqual(ending, { kind: "done", run: 1, seconds: 0 })
  assert.deepEqual(seen, ["running", "output", "done"])
  closeAll(ports)
})

test("runs share one stage, which opens with the first of them", async () => {
  const { open, opened, ports } = stages(echo)
  const runner = new Runner(open)
  assert.equal(opened(), 0)
  await runner.run("a.py", "one", nothing)
  await runner.run("b.py", "two", nothing)
  assert.equal(opened(), 1)
  closeAll(ports)
})

test("stop rejects the pending run, closes its stage, and the next run works", async () => {
  const { open, opened, ports } = stages(echo)
  const runner = new Runner(open)
  const { ending } = await printing(runner, "wait")
  runner.stop()
  await assert.rejects(ending, Stopped)
  assert.equal(ports.size, 0)
  assert.equal((await runner.run("a.py", "again", nothing)).kind, "done")
  assert.equal(opened(), 2)
  closeAll(ports)
})

test("stop without a run keeps the stage", async () => {
  const { open, ports } = stages(echo)
  const runner = new Runner(open)
  await runner.run("a.py", "one", nothing)
  runner.stop()
  assert.equal(ports.size, 1)
  closeAll(ports)
})

test("a run stops the one that is running", async () => {
  const { open, opened, ports } = stages(echo)
  const runner = new Runner(open)
  const { ending } = await printing(runner, "wait")
  assert.equal((await runner.run("b.py", "next", nothing)).kind, "done")
  await assert.rejects(ending, Stopped)
  assert.equal(opened(), 2)
  closeAll(ports)
})

test("a run takes the place of one that has not begun, on the stage that is starting", async () => {
  const { open, opened, ports } = stages((request, reply) => request.run === 2 && echo(request, reply))
  const runner = new Runner(open)
  const first = runner.run("a.py", "one", () => assert.fail("it should not begin"))
  const second = runner.run("b.py", "two", nothing)
  await assert.rejects(first, Stopped)
  assert.equal((await second).run, 2)
  assert.equal(opened(), 1)
  closeAll(ports)
})

test("a run that began although another took its place is stopped, and the other one runs", async () => {
  const { open, opened, ports } = stages((request, reply) => {
    if (request.run === 1) reply({ kind: "running", run: 1 })
    else if (opened() === 2) echo(request, reply)
  })
  const runner = new Runner(open)
  runner.run("a.py", "one", nothing).catch(nothing)
  assert.equal((await runner.run("b.py", "two", nothing)).run, 2)
  closeAll(ports)
})

test("a reply of an older run is ignored", async () => {
  const { open, ports } = stages(({ run }, reply) => {
    if (run === 1) return
    reply({ kind: "output", run: 1, text: "old" })
    reply({ kind: "done", run: 1, seconds: 9 })
    reply({ kind: "output", run: 2, text: "new" })
    reply({ kind: "done", run: 2, seconds: 0 })
  })
  const runner = new Runner(open)
  runner.run("a.py", "one", nothing).catch(nothing)
  const texts: string[] = []
  const ending = await runner.run("a.py", "two", (reply) => reply.kind === "output" && texts.push(reply.text))
  assert.deepEqual(texts, ["new"])
  assert.equal(ending.seconds, 0)
  closeAll(ports)
})

test("a start that fails says why, and the next run opens another stage", async () => {
  const { open, opened, ports } = stages(echo)
  const runner = new Runner(open)
  await assert.rejects(runner.run("a.py", "crash", nothing), new Unavailable("no network"))
  assert.equal((await runner.run("a.py", "again", nothing)).kind, "done")
  assert.equal(opened(), 2)
  closeAll(ports)
})

test("a stage that shows no sign of life is given up", async () => {
  const { open, ports } = stages(nothing)
  await assert.rejects(new Runner(open, 10).run("a.py", "one", nothing), /nothing happened for 0.01 seconds/)
  assert.equal(ports.size, 0)
})

test("a program may be silent for as long as it likes", async () => {
  const { open, ports } = stages(({ run }, reply) => {
    reply({ kind: "running", run })
    setTimeout(() => reply({ kind: "done", run, seconds: 1 }), 100)
  })
  assert.equal((await new Runner(open, 30).run("a.py", "one", nothing)).kind, "done")
  closeAll(ports)
})

test("a stage that breaks rejects the run", async () => {
  const open: OpenStage = (_receive, broke) => ({ post: () => queueMicrotask(() => broke("gone")), close: nothing })
  await assert.rejects(new Runner(open).run("a.py", "one", nothing), new Unavailable("gone"))
})
