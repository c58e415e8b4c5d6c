import { Download, Missing } from "./download.ts"
import type { Command, Reply } from "../messages.ts"
import { Printer, plainText, shortened } from "./output.ts"
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

const root = new URL("./", import.meta.url).href
let interrupts: Uint8Array<SharedArrayBuffer> | undefined
let started: Promise<Started> | undefined
let awaited: number | undefined // the run that Python is made ready for
let stop: (() => void) | undefined // of the script that runs

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
    reply(await outcomeOf(python, { kind: "run", run, path, source }))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    reply({ kind: "unavailable", run, reason, isGone: error instanceof Missing && error.isGone })
  }
}

async function outcomeOf(python: Python, { run, path, source }: Run): Promise<Reply> {
  const printer = new Printer((output) => reply({ kind: "output", run, ...output }))
  const plain = { out: plainText(), err: plainText() }
  stop = () => {
    reply({ kind: "stopping", run })
    python.stop()
  }
  const begin = performance.now()
  const ended = python.run(path, source, ({ stream, text }) => {
    printer.print({ stream, text: plain[stream](text) })
  })
  const { failure, ...left } = await Promise.race([ended, gone]).finally(() => printer.flush())
  stop = undefined
  const seconds = (performance.now() - begin) / 1000
  if (!failure) return { kind: "done", run, seconds, ...left }
  const shown = (text: string) => shortened(plainText()(text))
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
  await Promise.race([python.loadPackages(source), lost])
  return python
}

async function start(source: string): Promise<Started> {
  const download = new Download(
    root,
    RUNTIME.sizes,
    atIntervals(() => tell(download)),
  )
  globalThis.fetch = compileAhead(`${root}${RUNTIME.core}pyodide.asm.wasm`, download.watch(globalThis.fetch))
  const load = async (path: string) => new Uint8Array(await (await fetch(root + path)).arrayBuffer())
  const begin = () => startPython(root, RUNTIME, source, load, interrupts)
  // What is imported was not fetched here, which would have asked for it twice.
  const begun = begin().catch(async (error: unknown) => {
    if (download.isLost) throw error
    await load(`${RUNTIME.core}pyodide.asm.mjs`)
    return begin()
  })
  const python = await Promise.race([begun, download.lost])
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
