import { Download } from "./download.ts"
import type { Reply, Request } from "./messages.ts"
import { Output } from "./output.ts"
import { type Python, startPython } from "./python.ts"
import stage from "./stage.py"

const PROGRESS_INTERVAL = 100 // milliseconds

interface Started {
  python: Python
  /** Rejects as soon as a file of Python's does not come. */
  lost: Promise<never>
}

const runtime = new URL("runtime/", import.meta.url).href
let started: Promise<Started> | undefined
let prepared: number | undefined // the run that Python is made ready for

addEventListener("message", (event: MessageEvent<Request>) => void perform(event.data))

async function perform({ run, path, source }: Request): Promise<void> {
  prepared = run
  const python = await pythonFor(source).catch((error: unknown) => {
    reply({ kind: "unavailable", run, reason: error instanceof Error ? error.message : String(error) })
  })
  if (python === undefined || run !== prepared) return // a later run has taken its place
  prepared = undefined
  reply({ kind: "running", run })
  const output = new Output((text) => reply({ kind: "output", run, text }))
  const begin = performance.now()
  const traceback = await python.run(path, source, (text) => output.print(text))
  const seconds = (performance.now() - begin) / 1000
  output.flush()
  reply(traceback === undefined ? { kind: "done", run, seconds } : { kind: "failed", run, seconds, traceback })
}

async function pythonFor(source: string): Promise<Python> {
  started ??= start()
  const { python, lost } = await started
  await Promise.race([python.loadPackages(source), lost])
  return python
}

async function start(): Promise<Started> {
  const response = await fetch(`${runtime}sizes.json`)
  if (!response.ok) throw new Error(`sizes.json could not be loaded (the server answered ${response.status})`)
  const sizes = (await response.json()) as Record<string, number>
  const download = new Download(
    runtime,
    sizes,
    atIntervals(() => tell(download)),
  )
  globalThis.fetch = download.watch(globalThis.fetch)
  const python = await Promise.race([startPython(runtime, stage), download.lost])
  return { python, lost: download.lost }
}

function tell({ loaded, total }: Download): void {
  if (prepared === undefined) return
  reply(loaded < total ? { kind: "loading", run: prepared, loaded, total } : { kind: "starting", run: prepared })
}

/** Many calls in one interval become one call at its end. */
function atIntervals(action: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  return () => {
    timer ??= setTimeout(() => {
      timer = undefined
      action()
    }, PROGRESS_INTERVAL)
  }
}

function reply(message: Reply): void {
  postMessage(message satisfies Reply)
}
