import type { Answer, AppRequest, Change, Command, Cut, Disk, Operation, Reply, Started, Values } from "../messages.ts"
import type { Final, Runner } from "../page/runner.ts"
import { loading } from "../page/status.ts"

export type State = "idle" | "starting" | "ready" | "busy" | "failed" | "stopped"

/**
 * The server of a lab: Python in a worker of its own, with the app of a script. Its disk outlives the worker. Two runners
 * take turns: while the server works in the one, the other can get ready for the next start.
 */
export class Server {
  #runner: Runner
  #next: Runner
  readonly #changed: (status: string, isNews: boolean) => void
  readonly #print: (change: Change) => void
  #attempt = 0
  #isStopping = false
  #disk: Disk = [] // as it was at the end of the last start or request
  #hasStarted = false
  state: State = "idle"

  /**
   * `open` gives runners for this server alone. `changed` is called when the state is another one, or what is said of it, and whether the reader must be told.
   * `print` gets what the app prints.
   */
  constructor(open: () => Runner, changed: (status: string, isNews: boolean) => void, print: (change: Change) => void) {
    this.#runner = open()
    this.#next = open()
    this.#changed = changed
    this.#print = print
  }

  /** Makes Python ready for a start of this script, beside the server. */
  prepare(script: string): void {
    this.#next.prepare(script, true)
  }

  /** Ends what was there, and starts the app of a script; undefined: it couldn't, and the state says why. */
  async start(path: string, script: string, values: Values = {}): Promise<Started | undefined> {
    const attempt = ++this.#attempt
    this.#isStopping = false
    this.#runner.terminate()
    ;[this.#runner, this.#next] = [this.#next, this.#runner]
    this.#show("starting", "Starting")
    const disk = this.#disk
    const started = await this.#perform<Started>(attempt, script, (run) => {
      return { kind: "serve", run, path, source: script, disk, values }
    })
    if (!started) return undefined
    const { failure } = started
    if (failure) {
      this.#runner.terminate()
      const place = failure.line === undefined ? "" : `, line ${failure.line}`
      this.#show("failed", `The app can't start: ${failure.error}${place}`)
    } else {
      this.#show("ready", this.#hasStarted ? startedAgain(disk) : "The server is running")
      this.#hasStarted = true
    }
    return started
  }

  /**
   * What the app answers; undefined: nothing, and the state says why. Only while it is ready. With a `plug`, the server
   * ends before the first operation of that kind, and what is on the disk then stays.
   */
  async ask(request: AppRequest, values: Values = {}, plug?: Operation): Promise<Answer | Cut | undefined> {
    const attempt = ++this.#attempt
    this.#isStopping = false
    this.#show("busy", `${request.method} ${request.target} is on its way`, false)
    const answer = await this.#perform<Answer | Cut>(attempt, "", (run) => {
      return { kind: "request", run, request, values, plug }
    })
    if (answer?.kind === "cut") {
      this.#runner.terminate()
      this.#show("stopped", `The plug was pulled before ${answer.operation} ${answer.path}. Restart starts the server`)
    } else if (answer) this.#show("ready", "The server is running", false) // the answer is the news
    return answer
  }

  /** Stops what the server is doing. It goes on after a request that can be cancelled. */
  stop(): void {
    if (this.state === "starting") {
      this.close()
      this.#show("stopped", "Stopped. Start starts the server again")
    } else if (this.state === "busy") {
      this.#isStopping = true
      this.#runner.stop()
    }
  }

  /** Ends the server at once. */
  close(): void {
    this.#attempt++
    this.#runner.terminate()
    this.#next.terminate()
  }

  async #perform<T extends Started | Answer | Cut>(
    attempt: number,
    script: string,
    command: (run: number) => Command,
  ): Promise<T | undefined> {
    try {
      const follow = (reply: Reply) => attempt === this.#attempt && this.#follow(reply)
      const final = (await this.#runner.perform(command, script, follow)) as Extract<Final, { kind: "answered" }>
      if (attempt !== this.#attempt) return undefined
      this.#disk = final.answer.disk
      return final.answer as T
    } catch (error) {
      if (attempt === this.#attempt) this.#end(error)
      return undefined
    }
  }

  #follow(reply: Reply): void {
    if (reply.kind === "loading") this.#show("starting", loading(reply.loaded, reply.total), false)
    if (reply.kind === "output") this.#print(reply)
  }

  /** The runner has rejected, because it was told to stop or because Python has ended. */
  #end(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error)
    if (!this.#isStopping) this.#show("failed", `${reason} Start starts it again`)
    else if (this.#runner.isOpen) this.#show("ready", "The request was stopped, and the server is running")
    else this.#show("stopped", "The request was stopped by ending the server. Start starts it again")
  }

  #show(state: State, status: string, isNews = true): void {
    this.state = state
    this.#changed(status, isNews)
  }
}

/** What is news of a server that starts with what an earlier one left on its disk. */
function startedAgain(disk: Disk): string {
  const files = disk.filter(({ content }) => content instanceof Uint8Array).length
  const kept = files === 0 ? "" : files === 1 ? ", with the file that it had" : `, with the ${files} files that it had`
  return `The server has started again${kept}. What was in its memory is gone`
}
