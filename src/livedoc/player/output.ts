const INTERVAL = 16 // milliseconds: once a frame
const LIMIT = 200_000 // characters: what a page shows without becoming slow

/** Collects what a program prints and passes it on once a frame, even while the program never pauses. */
export class Output {
  readonly #pass: (text: string) => void
  #text = ""
  #left = LIMIT
  #passed = -INTERVAL
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(pass: (text: string) => void) {
    this.#pass = pass
  }

  print(text: string): void {
    if (this.#left < 0) return
    this.#left -= text.length
    this.#text += this.#left < 0 ? `${text.slice(0, this.#left)}\n[The rest is not shown.]\n` : text
    // A program that never pauses lets no timer fire, so the clock is read here too.
    if (performance.now() - this.#passed >= INTERVAL) this.flush()
    else this.#timer ??= setTimeout(() => this.flush(), INTERVAL)
  }

  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#text === "") return
    this.#pass(this.#text)
    this.#text = ""
    this.#passed = performance.now()
  }
}
