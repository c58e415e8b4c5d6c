import type { Answer, AppRequest, Change, Failure, Reply } from "../messages.ts"
import type { Runner } from "../page/runner.ts"
import { loading } from "../page/status.ts"

export type State = "idle" | "starting" | "ready" | "busy" | "failed" | "stopped"

/** The server of a lab: Python in a worker of its own, with the app of a script. */
export class Server {
  readonly #runner: Runner
  readonly #changed: (status: string, isNews: boolean) => void
  readonly #print: (change: Change) => void
  #attempt = 0
  #isStopping = false
  state: State = "idle"

  /**
   * `changed` is called when the state is another one, or what is said of it, and whether the reader must be told.
   * `print` gets what the app prints.
   */
  constructor(runner: Runner, changed: (status: string, isNews: boolean) => void, print: (change: Change) => void) {
    this.#runner = runner
    this.#changed = changed
    this.#print = print
  }

  /** Ends what was there, and starts the app of a script. What is returned is what the script did wrong. */
  async start(path: string, script: string): Promise<Failure | undefined> {
    const attempt = ++this.#attempt
    this.#runner.terminate()
    this.#show("starting", "Starting")
    try {
      const outcome = await this.#runner.serve(
        path,
        script,
        (reply) => attempt === this.#attempt && this.#follow(reply),
      )
      if (attempt !== this.#attempt) return undefined
      if (outcome.kind === "done") {
        this.#show("ready", "The server is running")
        return undefined
      }
      this.#runner.terminate()
      const place = outcome.line === undefined ? "" : `, line ${outcome.line}`
      this.#show("failed", `The app can't start: ${outcome.error}${place}`)
      return outcome
    } catch (error) {
      if (attempt === this.#attempt) this.#end(error)
      return undefined
    }
  }

  /** What the app answers; undefined: nothing, and the state says why. Only while it is ready. */
  async ask(request: AppRequest): Promise<Answer | undefined> {
    const attempt = ++this.#attempt
    this.#isStopping = false
    this.#show("busy", `${request.method} ${request.target} is on its way`, false)
    try {
      const answer = await this.#runner.ask(request, (reply) => attempt === this.#attempt && this.#follow(reply))
      if (attempt !== this.#attempt) return undefined
      this.#show("ready", "The server is running", false) // the answer is the news
      return answer
    } catch (error) {
      if (attempt === this.#attempt) this.#end(error)
      return undefined
    }
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
