import type { Output } from "../messages.ts"

const INTERVAL = 16 // milliseconds: once a frame
const AT_ONCE = 1000 // pieces: what a program has printed before it hangs is seen, unless it is more
const LIMIT = 100_000 // characters: what a page shows without becoming slow
const REST = "\n[The rest is not shown.]\n"

/** `text`, as much of it as a page shows. */
export function shortened(text: string): string {
  return text.length > LIMIT ? text.slice(0, LIMIT) + REST : text
}

/** Passes on what a program prints: at first each piece at once, later once a frame, even if the program never pauses. */
export class Printer {
  readonly #pass: (output: Output) => void
  #stream: Output["stream"] = "out"
  #text = ""
  #atOnce = AT_ONCE
  #left = LIMIT
  #passed = -INTERVAL
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(pass: (output: Output) => void) {
    this.#pass = pass
  }

  print({ stream, text }: Output): void {
    if (this.#left < 0) return
    if (stream !== this.#stream) this.flush()
    this.#stream = stream
    this.#left -= text.length
    this.#text += this.#left < 0 ? text.slice(0, this.#left) + REST : text
    // A program that never pauses lets no timer fire, so the clock is read here too.
    if (this.#atOnce-- > 0 || performance.now() - this.#passed >= INTERVAL) this.flush()
    else this.#timer ??= setTimeout(() => this.flush(), INTERVAL)
  }

  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#text === "") return
    this.#pass({ stream: this.#stream, text: this.#text })
    this.#text = ""
    this.#passed = performance.now()
  }
}

// What steers a terminal: colours and moves (CSI), titles and links (OSC), and single characters but tab and line end.
const STEERING = /\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[^[\]]|[\x00-\x08\x0b-\x1f\x7f]/g
const BEGUN = /\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]*\x1b?)?$/

/** Returns a function that leaves out what steers a terminal, also where it comes in two parts. */
export function plainText(): (text: string) => string {
  let begun = ""
  return (text) => {
    const whole = begun + text
    begun = BEGUN.exec(whole)?.[0] ?? ""
    return whole.slice(0, whole.length - begun.length).replace(STEERING, "")
  }
}
