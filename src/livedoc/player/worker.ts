import { Download } from "./download.ts"
import type { Reply, Request } from "./messages.ts"
import { Printer, plainText } from "./output.ts"
import { type Python, startPython } from "./python.ts"
import stage from "./stage.py"

const PROGRESS_INTERVAL = 100 // milliseconds

interface Started {
  python: Python
  /** Rejects as soon as a file of Python's does not come. */
  lost: Promise<never>
}

type Run = Extract<Request, { kind: "run" }>

const root = new URL("./", import.meta.url).href
let interrupts: Uint8Array<SharedArrayBuffer> | undefined
let started: Promise<Started> | undefined
let awaited: number | undefined // the run that Python is made ready for
let stop: (() => void) | undefined // of the script that runs

addEventListener("message", ({ data: request }: MessageEvent<Request>) => {
  if (request.kind === "open") interrupts = request.interrupts
  else if (request.kind === "prepare")
    pythonFor(request.source).catch(() => undefined) // the run will say it
  else if (request.kind === "run") void perform(request)
  else stop?.()
})

async function perform({ run, path, source }: Run): Promise<void> {
  awaited = run
  try {
    const python = await pythonFor(source)
    if (run !== awaited) return // a later run has taken its place
    awaited = undefined
    reply({ kind: "running", run })
    reply(await performed(python, { kind: "run", run, path, source }))
  } catch (error) {
    reply({ kind: "unavailable", run, reason: error instanceof Error ? error.message : String(error) })
  }
}

async function performed(python: Python, { run, path, source }: Run): Promise<Reply> {
  const printer = new Printer((output) => reply({ kind: "output", run, ...output }))
  const plain = { out: plainText(), err: plainText() }
  if (interrupts) interrupts[0] = 0
  stop = () => {
    reply({ kind: "stopping", run })
    python.stop()
  }
  const begin = performance.now()
  const { failure, ...left } = await python.run(path, source, ({ stream, text }) => {
    printer.print({ stream, text: plain[stream](text) })
  })
  stop = undefined
  const seconds = (performance.now() - begin) / 1000
  printer.flush()
  return failure ? { kind: "failed", run, seconds, ...failure, ...left } : { kind: "done", run, seconds, ...left }
}

async function pythonFor(source: string): Promise<Python> {
  started ??= start()
  const { python, lost } = await started
  await Promise.race([python.loadPackages(source), lost])
  return python
}

async function start(): Promise<Started> {
  const download = new Download(
    root,
    RUNTIME.sizes,
    atIntervals(() => tell(download)),
  )
  globalThis.fetch = download.watch(globalThis.fetch)
  const python = await Promise.race([startPython(root, RUNTIME, stage, interrupts), download.lost])
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

function reply(message: Reply): void {
  postMessage(message)
}
