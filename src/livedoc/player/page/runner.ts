import type { Command, Reply } from "../messages.ts"

/** Where programs run: a worker, seen from outside. */
export interface Stage {
  post(command: Command): void
  /** Raises KeyboardInterrupt in the program, where the page may do so. */
  interrupt(): void
  close(): void
}

/** Opens a stage that passes its replies to `receive`, and to `broke` why it cannot go on. */
export type OpenStage = (receive: (reply: Reply) => void, broke: (reason: string) => void) => Stage

export type Outcome = Extract<Reply, { kind: "done" | "failed" }>

/** The run was stopped: by the reader, or because another one began. */
export class Stopped extends Error {}

/** Python could not start, or came to an end by itself. The next run starts it anew. */
export class Unavailable extends Error {}

const PATIENCE = 60_000 // milliseconds without a sign of life before the program runs
const TO_ANSWER = 30 // milliseconds for a program that waits; one that is busy does not hear, and is interrupted
const TO_END = 600 // milliseconds to clean up; then its stage goes

interface Pending {
  run: number
  watch: (reply: Reply) => void
  resolve: (outcome: Outcome) => void
  reject: (reason: Stopped | Unavailable) => void
  /** Posts the command, again if its stage had to be opened once more. */
  begin: () => void
  running: boolean
  ended: Promise<unknown>
  stopping: boolean
}

/** Runs one program at a time, on a stage that all runs share. A new run stops the one before it. */
export class Runner {
  readonly #open: OpenStage
  readonly #patience: number
  #stage: Stage | undefined
  #pending: Pending | undefined
  #timer: ReturnType<typeof setTimeout> | undefined // of what the pending run is given time for
  #runs = 0

  constructor(open: OpenStage, patience: number = PATIENCE) {
    this.#open = open
    this.#patience = patience
  }

  /** Opens the stage and makes it ready for a run of `source`. */
  prepare(source: string): void {
    this.#opened().post({ kind: "prepare", source })
  }

  /** `watch` gets every reply until the end. Rejects with Stopped or Unavailable. */
  async run(path: string, source: string, watch: (reply: Reply) => void): Promise<Outcome> {
    const run = ++this.#runs
    // Python that is still starting is kept: the worker leaves out a run that is no longer the latest.
    if (this.#pending?.running) await this.#end(this.#pending)
    else this.#settled()?.reject(new Stopped())
    if (run !== this.#runs) throw new Stopped() // or yet another one has begun
    const { promise, resolve, reject } = Promise.withResolvers<Outcome>()
    const begin = () => {
      this.#opened().post({ kind: "run", run, path, source })
      this.#giveTime(this.#patience)
    }
    const ended = promise.catch(() => undefined)
    this.#pending = { run, watch, resolve, reject, begin, running: false, ended, stopping: false }
    begin()
    return promise
  }

  /** Ends the run within two seconds, whatever it does; Python stays if it can, else the next run starts it anew. */
  stop(): void {
    this.#runs++ // one that waits for its turn does not begin
    const pending = this.#pending
    if (pending?.running) void this.#end(pending)
    else if (pending) this.#close(new Stopped())
  }

  /** Has the next run start Python anew, free of what programs have done to it. */
  renew(): void {
    if (!this.#pending) this.#closeStage()
  }

  async #end(pending: Pending): Promise<void> {
    if (!pending.stopping) {
      pending.stopping = true
      this.#stage?.post({ kind: "stop", run: pending.run })
      this.#wait(TO_ANSWER, () => {
        this.#stage?.interrupt()
        this.#wait(TO_END, () => this.#close(new Stopped()))
      })
    }
    await pending.ended
  }

  #opened(): Stage {
    if (this.#stage) return this.#stage
    const stage = this.#open(
      (reply) => {
        if (stage === this.#stage) this.#receive(reply)
      },
      (reason) => {
        if (stage === this.#stage) this.#close(this.#without(reason))
      },
    )
    this.#stage = stage
    return stage
  }

  #receive(reply: Reply): void {
    const pending = this.#pending
    if (reply.run !== pending?.run) {
      if (reply.kind === "running") this.#startAgain() // too late to leave it out
      return
    }
    if (reply.kind === "unavailable") return this.#close(pending.stopping ? new Stopped() : this.#without(reply.reason))
    if (reply.kind === "stopping") return this.#wait(TO_END, () => this.#close(new Stopped()))
    if (reply.kind === "running") pending.running = true
    pending.watch(reply)
    if (reply.kind === "done" || reply.kind === "failed") {
      this.#settled()
      if (pending.stopping) pending.reject(new Stopped())
      else pending.resolve(reply)
    } else if (pending.running && !pending.stopping) clearTimeout(this.#timer)
    else if (!pending.running) this.#giveTime(this.#patience)
  }

  #giveTime(patience: number): void {
    this.#wait(patience, () => this.#close(this.#without(`nothing happened for ${patience / 1000} seconds`)))
  }

  #without(reason: string): Unavailable {
    return new Unavailable(`Python ${this.#pending?.running ? "ended" : "could not start"}: ${reason}.`)
  }

  #wait(milliseconds: number, then: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(then, milliseconds)
  }

  #startAgain(): void {
    this.#closeStage()
    this.#pending?.begin()
  }

  #close(reason: Stopped | Unavailable): void {
    this.#closeStage()
    this.#settled()?.reject(reason)
  }

  #closeStage(): void {
    this.#stage?.close()
    this.#stage = undefined
  }

  #settled(): Pending | undefined {
    clearTimeout(this.#timer)
    const pending = this.#pending
    this.#pending = undefined
    return pending
  }
}
