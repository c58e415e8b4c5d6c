import { Download, Missing } from "./download.ts"
import type { Command, Reply } from "../messages.ts"
import { Printer, plainText, shown } from "./output.ts"
import { type Python, startPython } from "./python.ts"
import { compileAhead } from "./webassembly.ts"

const PROGRESS_INTERVAL = 100 // milliseconds
// A program may come from a stranger's link. What is kept under these names belongs to the whole site, and the last one
// would let it speak to the page in the place of this module.
const send = globalThis.postMessage.bind(globalThis)
for (const name of ["caches", "indexedDB", "postMessage"]) withhold(name)

interface Started {
  python: Python
  /** Rejects as soon as a file of Python's does not come. */
  lost: Promise<never>
}

type Run = Extract<Command, { kind: "run" }>
type Outcome = Extract<Reply, { kind: "done" | "failed" }>

const root = new URL("./", import.meta.url).href
let interrupts: Uint8Array<SharedArrayBuffer> | undefined
let started: Promise<Started> | undefined
let awaited: number | undefined // the run that Python is made ready for
let stop: (() => void) | undefined // of the script that runs
let running: Promise<unknown> | undefined // its end

addEventListener("message", ({ data: command }: MessageEvent<Command>) => {
  if (command.kind === "open") interrupts = command.interrupts
  else if (command.kind === "prepare")
    pythonFor(command.source).catch(() => undefined) // the run will say it
  else if (command.kind === "run") void perform(command)
  else stop?.()
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

async function perform({ run, path, source }: Run): Promise<void> {
  awaited = run
  if (interrupts) interrupts[0] = 0 // one that came too late for the run before
  try {
    const python = await pythonFor(source)
    if (run !== awaited) return // a later run has taken its place
    awaited = undefined
    reply({ kind: "running", run })
    const outcome = await outcomeOf(python, { kind: "run", run, path, source })
    reply(outcome)
    if (!outcome.spent) python.importAhead()
  } catch (error) {
    reply({ kind: "unavailable", run, reason: wordsOf(error), isGone: error instanceof Missing && error.isGone })
  }
}

async function outcomeOf(python: Python, { run, path, source }: Run): Promise<Outcome> {
  const printer = new Printer((change) => reply({ kind: "output", run, ...change }))
  const plain = { out: plainText(), err: plainText() }
  stop = () => {
    reply({ kind: "stopping", run })
    python.stop()
  }
  const begin = performance.now()
  const ended = python.run(path, source, ({ stream, text }) => {
    printer.print({ stream, text: plain[stream](text) })
  })
  running = ended.catch(() => undefined)
  const { failure, ...left } = await Promise.race([ended, gone]).finally(() => printer.flush())
  stop = undefined
  const seconds = (performance.now() - begin) / 1000
  if (!failure) return { kind: "done", run, seconds, ...left }
  return {
    kind: "failed",
    run,
    seconds,
    traceback: shown(failure.traceback),
    error: shown(failure.error),
    line: failure.line,
    ...left,
  }
}

/** Pyodide also throws what is no Error: a failed call of its file system has neither a message nor a text. */
function wordsOf(error: unknown): string {
  if (error instanceof Error && error.message !== "") return error.message
  return typeof error === "string" ? error : "a file of its own is not what it should be; reload the page"
}

/** What a program did that ended Python; undefined if `reason` is nothing of the kind. */
function lastWords(reason: unknown): string | undefined {
  if (reason instanceof RangeError) return "the program called itself too deep for a browser"
  if (reason instanceof WebAssembly.RuntimeError) return "the program asked for more than a browser can do"
  const { name, status } = Object(reason) as { name?: unknown; status?: unknown }
  return name === "Exit" ? `the program ended it with exit code ${status}` : undefined
}

async function pythonFor(source: string): Promise<Python> {
  started ??= start(source)
  const { python, lost } = await started
  await running
  await Promise.race([python.loadPackages(source), lost])
  return python
}

async function start(source: string): Promise<Started> {
  const download = new Download(
    root,
    RUNTIME.sizes,
    atIntervals(() => tell(download)),
  )
  const ahead = compileAhead(`${root}${RUNTIME.core}pyodide.asm.wasm`, download.watch(globalThis.fetch))
  globalThis.fetch = ahead.fetch
  const load = async (path: string) => new Uint8Array(await (await fetch(root + path)).arrayBuffer())
  const begin = () => startPython(root, RUNTIME, source, load, interrupts)
  // What is imported was not fetched here, which would have asked for it twice.
  const begun = begin().catch(async (error: unknown) => {
    if (download.isLost) throw error
    await load(`${RUNTIME.core}pyodide.asm.mjs`)
    return begin()
  })
  const python = await Promise.race([begun, download.lost, ahead.unable])
  return { python, lost: download.lost }
}

function tell({ loaded, total }: Download): void {
  if (awaited === undefined) return
  reply(loaded < total ? { kind: "loading", run: awaited, loaded, total } : { kind: "starting", run: awaited })
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
