import type { Reply, Request } from "./messages.ts"

/** Where programs run: a worker, seen from outside. */
export interface Stage {
  post(request: Request): void
  close(): void
}

/** Opens a stage that passes its replies to `receive`, and to `broke` why it cannot go on. */
export type OpenStage = (receive: (reply: Reply) => void, broke: (reason: string) => void) => Stage

export type Ending = Extract<Reply, { kind: "done" | "failed" }>

/** The run was stopped: by the reader, or because another one began. */
export class Stopped extends Error {}

/** Python could not start. The next run tries again. */
export class Unavailable extends Error {}

const PATIENCE = 60_000 // milliseconds without a sign of life before the program runs

interface Pending {
  request: Request
  watch: (reply: Reply) => void
  resolve: (ending: Ending) => void
  reject: (reason: Stopped | Unavailable) => void
  running: boolean
}

/** Runs one program at a time, on a stage that all runs share. A new run stops the one before it. */
export class Runner {
  readonly #open: OpenStage
  readonly #patience: number
  #stage: Stage | undefined
  #pending: Pending | undefined
  #impatience: ReturnType<typeof setTimeout> | undefined
  #runs = 0

  constructor(open: OpenStage, patience: number = PATIENCE) {
    this.#open = open
    this.#patience = patience
  }

  /** `watch` gets every reply until the end. Rejects with Stopped or Unavailable. */
  run(path: string, source: string, watch: (reply: Reply) => void): Promise<Ending> {
    // Python that is still starting is kept: the worker leaves out a run that is no longer the latest.
    if (this.#pending?.running) this.#close()
    this.#settled()?.reject(new Stopped())
    const request = { kind: "run", run: ++this.#runs, path, source } satisfies Request
    return new Promise((resolve, reject) => {
      this.#pending = { request, watch, resolve, reject, running: false }
      this.#begin(request)
    })
  }

  /** Ends the run, whatever it does: its stage goes, and the next run opens another. */
  stop(): void {
    const stopped = this.#settled()
    if (!stopped) return
    this.#close()
    stopped.reject(new Stopped())
  }

  #begin(request: Request): void {
    this.#stage ??= this.#opened()
    this.#stage.post(request)
    this.#waitFor(this.#patience)
  }

  #opened(): Stage {
    const stage = this.#open(
      (reply) => {
        if (stage === this.#stage) this.#receive(reply)
      },
      (reason) => {
        if (stage === this.#stage) this.#giveUp(reason)
      },
    )
    return stage
  }

  #receive(reply: Reply): void {
    const pending = this.#pending
    if (reply.run !== pending?.request.run) {
      if (reply.kind === "running") this.#startAgain() // too late to leave it out
      return
    }
    clearTimeout(this.#impatience)
    if (reply.kind === "unavailable") return this.#giveUp(reply.reason)
    if (reply.kind === "running") pending.running = true
    pending.watch(reply)
    if (reply.kind === "done" || reply.kind === "failed") this.#settled()?.resolve(reply)
    else if (!pending.running) this.#waitFor(this.#patience)
  }

  #waitFor(patience: number): void {
    clearTimeout(this.#impatience)
    const reason = `nothing happened for ${patience / 1000} seconds`
    this.#impatience = setTimeout(() => this.#giveUp(reason), patience)
  }

  #startAgain(): void {
    this.#close()
    if (this.#pending) this.#begin(this.#pending.request)
  }

  #giveUp(reason: string): void {
    this.#close()
    this.#settled()?.reject(new Unavailable(reason))
  }

  #close(): void {
    this.#stage?.close()
    this.#stage = undefined
  }

  #settled(): Pending | undefined {
    clearTimeout(this.#impatience)
    const pending = this.#pending
    this.#pending = undefined
    return pending
  }
}
