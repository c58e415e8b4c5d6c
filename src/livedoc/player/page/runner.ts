import type { Command, Reply } from "../messages.ts"
import { type OpenWorker, WorkerLink } from "./worker_link.ts"

export type Outcome = Extract<Reply, { kind: "done" | "failed" }>
export type Final = Outcome | Extract<Reply, { kind: "answered" }>

/** The run was stopped: by the reader, or because another one began. */
export class Stopped extends Error {}

/** Python could not start, or came to an end by itself. The next run starts it again. */
export class Unavailable extends Error {
  /** The host no longer has a file that it takes. */
  readonly isGone: boolean

  constructor(reason: string, isGone = false) {
    super(reason)
    this.isGone = isGone
  }
}

const PATIENCE = 60_000 // milliseconds without a sign of life before the program runs
const TO_ANSWER = 30 // milliseconds for a program that waits; one that is busy does not hear, and is interrupted
const TO_END = 600 // milliseconds to clean up; then the worker is closed

interface Pending {
  promise: Promise<Final>
  resolve: (outcome: Final) => void
  reject: (reason: Stopped | Unavailable) => void
  run: number
  source: string
  watch: (reply: Reply) => void
  /** Posts the command, again if the worker had to be closed. */
  begin: () => void
  /** Whether another worker may be tried if this one is silent: what a request asks is in this one alone. */
  again: boolean
  running: boolean
  stopping: boolean
}

/**
 * Runs one program at a time, in a worker that all runs share. A new run stops the one before it. An app that is served
 * stays in the worker until that is closed, and a request to it counts as a run.
 */
export class Runner {
  readonly #link: WorkerLink
  readonly #patience: number
  #pending: Pending | undefined
  #timer: ReturnType<typeof setTimeout> | undefined // of what the pending run is given time for
  #runs = 0
  #awaits = "" // what the pending run waits for

  constructor(open: OpenWorker, patience: number = PATIENCE) {
    this.#link = new WorkerLink(
      open,
      (reply) => this.#receive(reply),
      (reason) => this.#close(this.#without(reason)),
    )
    this.#patience = patience
  }

  /** Opens the worker and makes it ready for a run of `source`, or to serve its app. */
  prepare(source: string, isServed = false): void {
    this.#link.post({ kind: "prepare", source, isServed })
  }

  /** Whether there is a worker: if not, nothing of what was served is left. */
  get isOpen(): boolean {
    return this.#link.isOpen
  }

  /** `watch` gets every reply until the end. Rejects with Stopped or Unavailable. */
  run(path: string, source: string, watch: (reply: Reply) => void): Promise<Outcome> {
    return this.perform((run) => ({ kind: "run", run, path, source }), source, watch) as Promise<Outcome>
  }

  /** Gives the worker a command that counts as a run. For `watch` and rejections see `run`. */
  async perform(command: (run: number) => Command, source: string, watch: (reply: Reply) => void): Promise<Final> {
    const run = ++this.#runs
    // Python that is still starting is kept: the worker leaves out a run that is no longer the latest.
    if (this.#pending?.running) await this.#end(this.#pending)
    else this.#settled()?.reject(new Stopped())
    if (run !== this.#runs) throw new Stopped() // or yet another one has begun
    const asked = command(run)
    const begin = () => {
      this.#awaits = "its worker"
      this.#giveTime()
      this.#link.post(asked)
    }
    let settle!: Pick<Pending, "resolve" | "reject">
    const promise = new Promise<Final>((resolve, reject) => (settle = { resolve, reject }))
    this.#pending = {
      run,
      source,
      watch,
      begin,
      again: asked.kind !== "request",
      running: false,
      stopping: false,
      promise,
      ...settle,
    }
    begin()
    return promise
  }

  /** Ends the run within two seconds, even if it hangs. Python stays if it can, else the next run starts it again. */
  stop(): void {
    this.#runs++ // one that waits for its turn does not begin
    const pending = this.#pending
    if (pending?.running) void this.#end(pending)
    else if (pending) this.#close(new Stopped())
  }

  /** Makes the next run start Python again, free of what programs have done to it. */
  renew(): void {
    if (!this.#pending) this.#link.close()
  }

  /** Ends Python at once, whatever it does. */
  terminate(): void {
    this.#runs++
    this.#close(new Stopped())
  }

  async #end(pending: Pending): Promise<void> {
    if (!pending.stopping) {
      pending.stopping = true
      this.#link.post({ kind: "stop", run: pending.run })
      this.#wait(TO_ANSWER, () => {
        this.#link.interrupt()
        this.#wait(TO_END, () => this.#close(new Stopped()))
      })
    }
    await pending.promise.catch(() => undefined)
  }

  #receive(reply: Reply): void {
    const pending = this.#pending
    if (reply.run !== pending?.run) {
      if (reply.kind !== "running") return
      this.#link.close() // it was too late to leave that run out
      return pending?.begin()
    }
    if (reply.kind === "unavailable")
      return this.#close(pending.stopping ? new Stopped() : this.#without(reply.reason, reply.isGone))
    if (reply.kind === "stopping") return this.#wait(TO_END, () => this.#close(new Stopped()))
    if (reply.kind === "running") pending.running = true
    if ("awaits" in reply) this.#awaits = reply.awaits
    pending.watch(reply)
    if (reply.kind === "done" || reply.kind === "failed" || reply.kind === "answered") {
      this.#settled()
      if (reply.kind !== "answered" && reply.spent) this.#startAgain(pending.source)
      if (pending.stopping) pending.reject(new Stopped())
      else pending.resolve(reply)
    } else if (pending.running && !pending.stopping) clearTimeout(this.#timer)
    else if (!pending.running) this.#giveTime()
  }

  #startAgain(source: string): void {
    this.#link.close()
    this.prepare(source)
  }

  /** A browser may lose what its service worker answers. Another worker then gets it. */
  #giveTime(): void {
    this.#wait(this.#patience, () => {
      const pending = this.#pending
      if (pending?.again) {
        pending.again = false
        this.#link.close()
        return pending.begin()
      }
      const idle = `nothing happened for ${this.#patience / 1000} seconds while it waited for ${this.#awaits}`
      this.#close(this.#without(idle))
    })
  }

  #without(reason: string, isGone = false): Unavailable {
    return new Unavailable(`Python ${this.#pending?.running ? "ended" : "could not start"}: ${reason}.`, isGone)
  }

  #wait(milliseconds: number, then: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(then, milliseconds)
  }

  #close(reason: Stopped | Unavailable): void {
    this.#link.close()
    this.#settled()?.reject(reason)
  }

  #settled(): Pending | undefined {
    clearTimeout(this.#timer)
    const pending = this.#pending
    this.#pending = undefined
    return pending
  }
}
