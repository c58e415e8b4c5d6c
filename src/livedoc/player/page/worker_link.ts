import type { Command, Reply } from "../messages.ts"
import { comes } from "./release.ts"

/** A worker that has been opened, seen from the page. */
export interface WorkerHandle {
  post(command: Command): void
  /** Raises KeyboardInterrupt in the program, where the page may do so. */
  interrupt(): void
  close(): void
}

/** Opens a worker that passes its replies to `receive`, and to `broke` why it cannot go on. */
export type OpenWorker = (receive: (reply: Reply) => void, broke: (reason: string) => void) => WorkerHandle

/** A worker that is opened when it is first needed, and again after it was closed or has broken. */
export class WorkerLink {
  readonly #open: OpenWorker
  readonly #receive: (reply: Reply) => void
  readonly #lost: (reason: string) => void
  #worker: WorkerHandle | undefined

  /** `receive` gets the replies until the worker is closed, and `lost` the reason if it breaks before. */
  constructor(open: OpenWorker, receive: (reply: Reply) => void, lost: (reason: string) => void) {
    this.#open = open
    this.#receive = receive
    this.#lost = lost
  }

  /** Opens the worker unless it is open. A browser that can't open one has lost it. */
  post(command: Command): void {
    try {
      this.#worker ??= this.#opened()
      this.#worker.post(command)
    } catch (error) {
      this.close()
      this.#lost(error instanceof Error ? error.message : String(error))
    }
  }

  get isOpen(): boolean {
    return this.#worker !== undefined
  }

  interrupt(): void {
    this.#worker?.interrupt()
  }

  /** Ends the worker at once, even if it hangs. */
  close(): void {
    this.#worker?.close()
    this.#worker = undefined
  }

  #opened(): WorkerHandle {
    // A worker that has been closed may still be heard, for its messages wait in a queue.
    const worker = this.#open(
      (reply) => {
        if (worker === this.#worker) this.#receive(reply)
      },
      (reason) => {
        if (worker !== this.#worker) return
        this.close()
        this.#lost(reason)
      },
    )
    return worker
  }
}

/**
 * Opens the worker that runs Python, or throws why this browser can't. If its script doesn't come, the host is asked for
 * it once more.
 */
export function openWorker(receive: (reply: Reply) => void, broke: (reason: string) => void): WorkerHandle {
  for (const needed of ["Worker", "WebAssembly"])
    if (!(needed in globalThis)) throw new Error(`this browser has no ${needed}, which Python needs`)
  const url = new URL(WORKER, import.meta.url)
  const commands: Command[] = [] // until it answers
  let [isHeard, isClosed] = [false, false]
  const start = (fail: (reason: string) => void) => {
    const worker = new Worker(url, { type: "module" })
    worker.addEventListener("message", (event: MessageEvent<Reply>) => {
      isHeard = true
      receive(event.data)
    })
    worker.addEventListener("error", (event) => fail(event.message))
    for (const command of commands) worker.postMessage(command)
    return worker
  }
  const fail = (reason: string) => broke(reason || "its worker could not be loaded")
  const startAgain = async () => {
    if (!(await comes(url))) fail("")
    else if (!isClosed) worker = start(fail)
  }
  let worker = start((reason) => (reason || isHeard ? fail(reason) : void startAgain()))
  const interrupts = sharedByte()
  const post = (command: Command) => {
    if (!isHeard) commands.push(command)
    worker.postMessage(command)
  }
  post({ kind: "open", interrupts })
  const close = () => {
    isClosed = true
    worker.terminate()
  }
  return { post, interrupt: () => void interrupts?.fill(2), close }
}

/** A byte that page and worker both see; undefined where they can't share one. WebKit may be isolated and yet have none. */
function sharedByte(): Uint8Array<SharedArrayBuffer> | undefined {
  if (!globalThis.crossOriginIsolated || !("SharedArrayBuffer" in globalThis)) return undefined
  return new Uint8Array(new SharedArrayBuffer(1))
}
