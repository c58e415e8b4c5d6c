import assert from "node:assert/strict"
import { afterEach, before, mock, test } from "node:test"
import { MessageChannel, type MessagePort } from "node:worker_threads"
import type { Command, Reply } from "../messages.ts"
import { type Outcome, Runner, Stopped, Unavailable } from "./runner.ts"
import type { OpenWorker } from "./worker_link.ts"

type Run = Extract<Command, { kind: "run" }>
type Reaction = (run: Run, reply: (reply: Reply) => void) => void
interface Options {
  /** After how many milliseconds the worker ends the program when it is asked to stop; never if it does not hear. */
  onStop?: number
  /** The same for an interrupt. */
  onInterrupt?: number
  patience?: number
}

// A slow machine may take longer for a message than a program has to answer.
before(() => mock.timers.enable({ apis: ["setTimeout"] }))

/** Lets so many milliseconds go by once `condition` holds. */
async function pass(milliseconds: number, condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate)
  for (; milliseconds > 0; milliseconds--) mock.timers.tick(1) // one by one: a timer may set another
}

const everyPort = new Set<MessagePort>()
afterEach(() => everyPort.forEach((port) => port.close()))

/** A runner with workers at the other end of real message ports; `ports` holds those that are still open. */
function runnerWith(react: Reaction, { onStop, onInterrupt, patience }: Options = {}) {
  const asked: string[] = []
  const told: string[] = []
  const ports = new Set<MessagePort>()
  let opened = 0
  const open: OpenWorker = (receive) => {
    opened++
    const { port1: page, port2: worker } = new MessageChannel()
    ports.add(worker)
    everyPort.add(worker)
    page.on("message", (reply: Reply) => {
      receive(reply)
      told.push(reply.kind)
    })
    let run = 0
    const reply = (reply: Reply) => worker.postMessage(reply)
    const end = () => reply({ kind: "failed", run, seconds: 1, traceback: "", error: "Interrupted", line: 1, ...left })
    worker.on("message", (command: Command) => {
      asked.push(command.kind)
      if (command.kind === "run") {
        run = command.run
        react(command, reply)
      } else if (command.kind === "stop" && onStop !== undefined) {
        reply({ kind: "stopping", run })
        setTimeout(end, onStop)
      }
    })
    const interrupt = () => {
      asked.push("interrupt")
      if (onInterrupt !== undefined) setTimeout(end, onInterrupt)
    }
    const close = () => {
      ports.delete(worker)
      page.close()
    }
    return { post: (command) => page.postMessage(command), interrupt, close }
  }
  return { runner: new Runner(open, patience), opened: () => opened, ports, asked, told }
}

const nothing = () => undefined
const left = { files: [], unlisted: 0, spent: false }

/** Prints its source, then ends; "wait" never ends; "crash" cannot start; "spoil" leaves a Python that is spent. */
const echo: Reaction = ({ run, source }, reply) => {
  if (source === "crash") return reply({ kind: "unavailable", run, reason: "no network" })
  reply({ kind: "running", run })
  reply({ kind: "output", run, stream: "out", text: source, back: 0 })
  if (source !== "wait") reply({ kind: "done", run, seconds: 0, ...left, spent: source === "spoil" })
}

/** Starts a run and resolves once it prints. */
function printing(runner: Runner, source: string): Promise<{ outcome: Promise<Outcome> }> {
  return new Promise((resolve) => {
    const outcome = runner.run("a.py", source, (reply) => reply.kind === "output" && resolve({ outcome }))
    outcome.catch(nothing)
  })
}

test("a run is watched from its start to its end", async () => {
  const { runner } = runnerWith(echo)
  const seen: string[] = []
  const outcome = await runner.run("a.py", "hello", (reply) => seen.push(reply.kind))
  assert.deepEqual(outcome, { kind: "done", run: 1, seconds: 0, ...left })
  assert.deepEqual(seen, ["running", "output", "done"])
})

test("runs share one worker, which opens with the first of them", async () => {
  const { runner, opened } = runnerWith(echo)
  assert.equal(opened(), 0)
  await runner.run("a.py", "one", nothing)
  await runner.run("b.py", "two", nothing)
  assert.equal(opened(), 1)
})

test("after a program that leaves a spent Python another worker is made ready at once", async () => {
  const { runner, opened, ports, asked } = runnerWith(echo)
  assert.equal((await runner.run("a.py", "spoil", nothing)).kind, "done")
  await pass(0, () => asked.includes("prepare"))
  assert.deepEqual([opened(), ports.size], [2, 1])
  assert.equal((await runner.run("a.py", "next", nothing)).kind, "done")
  assert.equal(opened(), 2)
})

test("a program that waits is stopped kindly, may clean up, and its worker stays", async () => {
  const { runner, opened, asked, told } = runnerWith(echo, { onStop: 500 })
  const { outcome } = await printing(runner, "wait")
  runner.stop()
  await pass(500, () => told.includes("stopping"))
  await assert.rejects(outcome, Stopped)
  assert.equal((await runner.run("a.py", "again", nothing)).kind, "done")
  assert.equal(opened(), 1)
  assert.deepEqual(asked, ["run", "stop", "run"])
})

test("a program that is busy is interrupted within 50 ms, and its worker stays", async () => {
  const { runner, opened, asked } = runnerWith(echo, { onInterrupt: 500 })
  const { outcome } = await printing(runner, "wait")
  runner.stop()
  await pass(50, () => asked.includes("stop"))
  await pass(500, () => asked.includes("interrupt"))
  await assert.rejects(outcome, Stopped)
  assert.equal((await runner.run("a.py", "again", nothing)).kind, "done")
  assert.equal(opened(), 1)
  assert.deepEqual(asked, ["run", "stop", "interrupt", "run"])
})

for (const [what, ends] of [
  ["hears nothing", {}],
  ["answers and goes on", { onStop: 10_000 }],
] as const) {
  test(`a program that ${what} loses its worker within a second, and the next run works`, async () => {
    const { runner, opened, ports, asked, told } = runnerWith(echo, ends)
    const { outcome } = await printing(runner, "wait")
    runner.stop()
    runner.stop() // the impatient reader
    await pass(1000, () => (ends.onStop ? told.includes("stopping") : asked.includes("stop")))
    assert.equal(ports.size, 0)
    await assert.rejects(outcome, Stopped)
    assert.equal((await runner.run("a.py", "again", nothing)).kind, "done")
    assert.equal(opened(), 2)
  })
}

test("a program that still starts is stopped at once, with its worker", async () => {
  const { runner, ports } = runnerWith(nothing)
  const outcome = runner.run("a.py", "one", nothing)
  await Promise.resolve()
  runner.stop()
  await assert.rejects(outcome, Stopped)
  assert.equal(ports.size, 0)
})

test("a run that waits for its turn does not begin after a stop", async () => {
  const { runner, asked } = runnerWith(echo)
  const { outcome } = await printing(runner, "wait")
  const next = runner.run("b.py", "next", nothing)
  next.catch(nothing)
  runner.stop()
  await pass(1000, () => asked.includes("stop"))
  await assert.rejects(outcome, Stopped)
  await assert.rejects(next, Stopped)
  assert.deepEqual(asked, ["run", "stop", "interrupt"])
})

test("a worker can be prepared for a run, which then uses it", async () => {
  const { runner, opened, asked } = runnerWith(echo)
  runner.prepare("one")
  assert.equal((await runner.run("a.py", "one", nothing)).kind, "done")
  assert.equal(opened(), 1)
  assert.deepEqual(asked, ["prepare", "run"])
})

test("a renewal closes the worker, unless a program is running on it", async () => {
  const { runner, opened, told } = runnerWith(echo, { onStop: 100 })
  await runner.run("a.py", "one", nothing)
  runner.renew()
  await runner.run("a.py", "two", nothing)
  assert.equal(opened(), 2)
  const { outcome } = await printing(runner, "wait")
  runner.renew()
  runner.stop()
  await pass(100, () => told.includes("stopping"))
  await assert.rejects(outcome, Stopped)
  assert.equal(opened(), 2)
})

test("stop without a run keeps the worker", async () => {
  const { runner, ports } = runnerWith(echo)
  await runner.run("a.py", "one", nothing)
  runner.stop()
  assert.equal(ports.size, 1)
})

test("a run stops the one that is running", async () => {
  const { runner, opened, asked } = runnerWith(echo)
  const { outcome } = await printing(runner, "wait")
  const next = runner.run("b.py", "next", nothing)
  await pass(1000, () => asked.includes("stop"))
  assert.equal((await next).kind, "done")
  await assert.rejects(outcome, Stopped)
  assert.equal(opened(), 2)
})

test("a run takes the place of one that has not begun, on the worker that is starting", async () => {
  const { runner, opened } = runnerWith((command, reply) => command.run === 2 && echo(command, reply))
  const first = runner.run("a.py", "one", () => assert.fail("it should not begin"))
  const second = runner.run("b.py", "two", nothing)
  await assert.rejects(first, Stopped)
  assert.equal((await second).run, 2)
  assert.equal(opened(), 1)
})

test("a run that began although another took its place is stopped, and the other one runs", async () => {
  const { runner, opened } = runnerWith((command, reply) => {
    if (command.run === 1) reply({ kind: "running", run: 1 })
    else if (opened() === 2) echo(command, reply)
  })
  runner.run("a.py", "one", nothing).catch(nothing)
  assert.equal((await runner.run("b.py", "two", nothing)).run, 2)
})

test("a reply of an older run is ignored", async () => {
  const { runner } = runnerWith(({ run }, reply) => {
    if (run === 1) return
    reply({ kind: "output", run: 1, back: 0, stream: "out", text: "old" })
    reply({ kind: "done", run: 1, seconds: 9, ...left })
    reply({ kind: "output", run: 2, back: 0, stream: "out", text: "new" })
    reply({ kind: "done", run: 2, seconds: 0, ...left })
  })
  runner.run("a.py", "one", nothing).catch(nothing)
  const texts: string[] = []
  const outcome = await runner.run("a.py", "two", (reply) => reply.kind === "output" && texts.push(reply.text))
  assert.deepEqual(texts, ["new"])
  assert.equal(outcome.seconds, 0)
})

test("a start that fails says why, and the next run opens another worker", async () => {
  const { runner, opened } = runnerWith(echo)
  await assert.rejects(runner.run("a.py", "crash", nothing), new Unavailable("Python could not start: no network."))
  assert.equal((await runner.run("a.py", "again", nothing)).kind, "done")
  assert.equal(opened(), 2)
})

test("a program that ends Python itself is told from a start that fails, and the next run opens another worker", async () => {
  const { runner, opened } = runnerWith((command, reply) => {
    if (command.source !== "exit") return echo(command, reply)
    reply({ kind: "running", run: command.run })
    reply({ kind: "unavailable", run: command.run, reason: "exit code 3" })
  })
  await assert.rejects(runner.run("a.py", "exit", nothing), new Unavailable("Python ended: exit code 3."))
  assert.equal((await runner.run("a.py", "again", nothing)).kind, "done")
  assert.equal(opened(), 2)
})

test("a start that shows no sign of life gives way to another worker by itself", async () => {
  const { runner, opened, ports, asked } = runnerWith((run, reply) => opened() === 2 && echo(run, reply), {
    patience: 10,
  })
  const outcome = runner.run("a.py", "one", nothing)
  await pass(10, () => asked.includes("run"))
  assert.equal((await outcome).kind, "done")
  assert.deepEqual([opened(), ports.size], [2, 1])
})

for (const [signs, awaited] of [
  [[], "its worker"],
  [[{ kind: "loading", loaded: 1, total: 2, awaits: "a.wasm, b.whl" }], "a.wasm, b.whl"],
  [
    [
      { kind: "loading", loaded: 1, total: 2, awaits: "a.wasm" },
      { kind: "starting", awaits: "its own first steps" },
    ],
    "its own first steps",
  ],
] as const) {
  test(`a start that is silent twice while it waits for ${awaited} is given up, and says so`, async () => {
    const { runner, opened, ports, asked, told } = runnerWith(
      ({ run }, reply) => signs.forEach((sign) => reply({ ...sign, run })),
      { patience: 10 },
    )
    const outcome = runner.run("a.py", "one", nothing)
    outcome.catch(nothing)
    for (const time of [1, 2]) await pass(10, () => asked.length === time && told.length === time * signs.length)
    const reason = `Python could not start: nothing happened for 0.01 seconds while it waited for ${awaited}.`
    await assert.rejects(outcome, new Unavailable(reason))
    assert.deepEqual([opened(), ports.size], [2, 0])
  })
}

test("each run may have another worker", async () => {
  const { runner, opened, asked } = runnerWith((run, reply) => opened() % 2 === 0 && echo(run, reply), { patience: 10 })
  for (const time of [1, 2]) {
    const outcome = runner.run("a.py", "one", nothing)
    await pass(10, () => asked.length === 2 * time - 1)
    assert.equal((await outcome).kind, "done")
    runner.renew()
  }
  assert.equal(opened(), 4)
})

test("a request to an app is not made again, for another worker has no app", async () => {
  const { runner, opened, ports, asked } = runnerWith(nothing, { patience: 10 })
  const request = { method: "GET", target: "/", host: "localhost", headers: [], body: new Uint8Array() }
  const command = (run: number) => ({ kind: "request", run, request, values: {}, plug: undefined }) as const
  const outcome = runner.perform(command, "", nothing)
  outcome.catch(nothing)
  await pass(10, () => asked.includes("request"))
  await assert.rejects(outcome, Unavailable)
  assert.deepEqual([opened(), ports.size], [1, 0])
})

test("a program may be silent for as long as it likes", async () => {
  const { runner, told } = runnerWith(
    ({ run }, reply) => {
      reply({ kind: "running", run })
      setTimeout(() => reply({ kind: "done", run, seconds: 1, ...left }), 100)
    },
    { patience: 30 },
  )
  const outcome = runner.run("a.py", "one", nothing)
  await pass(100, () => told.includes("running"))
  assert.equal((await outcome).kind, "done")
})

test("a worker that breaks rejects the run", async () => {
  const open: OpenWorker = (_receive, broke) => ({
    post: () => queueMicrotask(() => broke("gone")),
    interrupt: nothing,
    close: nothing,
  })
  await assert.rejects(new Runner(open).run("a.py", "one", nothing), new Unavailable("Python could not start: gone."))
})

test("a worker that cannot be opened is told to each run", async () => {
  let opened = 0
  const runner = new Runner(() => {
    opened++
    throw new ReferenceError("Worker is not defined")
  })
  runner.prepare("")
  const reason = /^Error: Python could not start: Worker is not defined[.]$/
  await assert.rejects(runner.run("a.py", "", nothing), reason)
  await assert.rejects(runner.run("a.py", "", nothing), reason)
  assert.equal(opened, 3)
})
