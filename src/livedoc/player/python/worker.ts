import { Download, fetchNow, Missing } from "./download.ts"
import type { Answer, Command, Cut, Failure, Output, Reply, Started } from "../messages.ts"
import { Printer, plainText, shown } from "./output.ts"
import { type Python, startPython } from "./python.ts"
import { compileAhead } from "./webassembly.ts"

const PROGRESS_INTERVAL = 100 // milliseconds
const FIRST = /\/(pyodide\.asm\.\w+|python_stdlib\.zip)$/ // what Python takes its first steps with, while all else comes
// A program may come from a stranger's link. What is kept under these names belongs to the whole site, and the last one
// would let it speak to the page in the place of this module.
const send = globalThis.postMessage.bind(globalThis)
;["caches", "indexedDB", "postMessage"].forEach(withhold)

interface Running {
  python: Python
  /** Rejects as soon as a file of Python's does not come. */
  lost: Promise<never>
}

type Task = Extract<Command, { kind: "run" | "serve" | "request" }>
type Outcome = Extract<Reply, { kind: "done" | "failed" | "answered" }>

const root = new URL("./", import.meta.url).href
let interrupts: Uint8Array<SharedArrayBuffer> | undefined
let started: Promise<Running> | undefined
let awaited: number | undefined // the run that Python is made ready for
let stage = "its WebAssembly" // what that run waits for once all files have come
let stop: (() => void) | undefined // of the script that runs
let running: Promise<unknown> | undefined // its end

addEventListener("message", ({ data: command }: MessageEvent<Command>) => {
  if (command.kind === "open") interrupts = command.interrupts
  else if (command.kind === "prepare")
    pythonFor(command.source, command.isServed).catch(() => undefined) // the run will say it
  else if (command.kind === "stop") stop?.()
  else void perform(command)
})

/** Rejects when Python comes to an end by itself, which no call into it then tells. */
const gone = new Promise<never>((_, reject) => {
  addEventListener("unhandledrejection", (event) => {
    const { reason } = event
    if (reason instanceof Missing) event.preventDefault() // it's told, whoever waits for the file
    const words = lastWords(reason)
    if (words) reject(new Error(words))
  })
})
gone.catch(() => undefined)

async function perform(task: Task): Promise<void> {
  const { run } = task
  awaited = run
  interrupts?.fill(0) // one that came too late for the run before
  try {
    const python = await pythonFor(task.kind === "request" ? undefined : task.source, task.kind === "serve")
    if (run !== awaited) return // a later run has taken its place
    awaited = undefined
    reply({ kind: "running", run })
    const outcome = await outcomeOf(python, task)
    reply(outcome)
    if (outcome.kind !== "answered" && !outcome.spent) python.importAhead()
  } catch (error) {
    reply({ kind: "unavailable", run, reason: wordsOf(error), isGone: error instanceof Missing && error.isGone })
  }
}

async function outcomeOf(python: Python, task: Task): Promise<Outcome> {
  const { run } = task
  const begin = performance.now()
  if (task.kind === "request") {
    const { request, values, plug: operation } = task
    const plug = operation && { operation, pull: (cut: Cut) => pull(run, cut) }
    const answer = await attended(python, run, (print) => python.answer(request, values, plug, print))
    return answered(run, answer)
  }
  const { path, source } = task
  if (task.kind === "serve")
    return answered(
      run,
      await attended(python, run, (print) => python.serve(path, source, task.disk, task.values, print)),
    )
  const { failure, ...left } = await attended(python, run, (print) => python.run(path, source, print))
  const seconds = (performance.now() - begin) / 1000
  if (!failure) return { kind: "done", run, seconds, ...left }
  return { kind: "failed", run, seconds, ...readable(failure), ...left }
}

function answered(run: number, answer: Started | Answer): Outcome {
  return { kind: "answered", run, answer: { ...answer, failure: answer.failure && readable(answer.failure) } }
}

/** Hands out the disk, and holds this worker there until the page ends it. */
function pull(run: number, answer: Cut): never {
  reply({ kind: "answered", run, answer })
  for (;;);
}

/** Has Python do something while it can be stopped, and passes on what is printed. */
async function attended<T>(python: Python, run: number, act: (print: (output: Output) => void) => Promise<T>) {
  const printer = new Printer((change) => reply({ kind: "output", run, ...change }))
  const plain = { out: plainText(), err: plainText() }
  stop = () => {
    reply({ kind: "stopping", run })
    interrupts?.fill(0) // the page could not know yet that it is heard
    python.stop()
  }
  const ended = act(({ stream, text }) => {
    printer.print({ stream, text: plain[stream](text) })
  })
  running = ended.catch(() => undefined)
  return Promise.race([ended, gone]).finally(() => {
    printer.flush()
    stop = undefined
  })
}

function readable({ traceback, error, line }: Failure): Failure {
  return { traceback: shown(traceback), error: shown(error), line }
}

/** Pyodide also throws what is no Error: a failed call of its file system has neither a message nor a text. */
function wordsOf(error: unknown): string {
  if (error instanceof Error && error.message !== "") return error.message
  return typeof error === "string" ? error : "a file of its own is damaged; reload the page"
}

/** What a program did that ended Python; undefined if `reason` is nothing of the kind. */
function lastWords(reason: unknown): string | undefined {
  const { name, status } = Object(reason) as { name?: unknown; status?: unknown }
  if (name === "RangeError" || name === "InternalError") return "the program called itself too deep for a browser"
  if (reason instanceof WebAssembly.RuntimeError) return "the program asked for more than a browser can do"
  return name === "Exit" ? `the program ended it with exit code ${status}` : undefined
}

/** Python with what a script imports; undefined: as it is. */
async function pythonFor(source: string | undefined, isServed = false): Promise<Python> {
  started ??= start(source ?? "")
  const { python, lost } = await started
  await running
  if (source !== undefined) await Promise.race([python.loadPackages(source, isServed), lost])
  return python
}

async function start(source: string): Promise<Running> {
  const download = new Download(
    root,
    RUNTIME.sizes,
    atIntervals(() => tell(download)),
  )
  const reach = (next: string) => {
    stage = next
    tell(download)
  }
  let come!: () => void
  const core = new Promise<void>((resolve) => (come = resolve))
  const watched = download.watch(globalThis.fetch, (file) => (FIRST.test(file) ? undefined : core))
  const ahead = compileAhead(`${root}${RUNTIME.core}pyodide.asm.wasm`, watched, () => {
    come()
    reach("its own first steps")
  })
  globalThis.fetch = ahead.fetch
  const load = async (path: string) => new Uint8Array(await (await fetch(root + path)).arrayBuffer())
  const files = { load, loadNow: (path: string) => fetchNow(root + path) }
  const begin = () => startPython(root, RUNTIME, source, files, interrupts)
  // What is imported was not fetched here, which would have asked for it twice.
  const begun = begin().catch(async (error: unknown) => {
    if (download.isLost) throw error
    await load(`${RUNTIME.core}pyodide.asm.mjs`)
    return begin()
  })
  const python = await Promise.race([begun, download.lost, ahead.unable])
  reach("what the program imports")
  return { python, lost: download.lost }
}

function tell({ loaded, total, coming }: Download): void {
  if (awaited === undefined) return
  const awaits = coming.join(", ") || stage
  reply(
    loaded < total
      ? { kind: "loading", run: awaited, loaded, total, awaits }
      : { kind: "starting", run: awaited, awaits },
  )
}

/** The first call acts at once; many calls in one interval become one at its end. */
function atIntervals(action: () => void): () => void {
  let acted = -PROGRESS_INTERVAL
  let timer: ReturnType<typeof setTimeout> | undefined
  const act = () => {
    timer = undefined
    acted = performance.now()
    action()
  }
  return () => {
    timer ??= setTimeout(act, Math.max(0, acted + PROGRESS_INTERVAL - performance.now()))
  }
}

function withhold(name: string): void {
  for (let holder: unknown = globalThis; holder; holder = Reflect.getPrototypeOf(holder as object))
    Reflect.deleteProperty(holder as object, name)
}

function reply(message: Reply): void {
  send(message)
}
