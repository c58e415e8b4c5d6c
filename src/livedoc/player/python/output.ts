import type { Change, Output } from "../messages.ts"

const INTERVAL = 16 // milliseconds: once a frame
const AT_ONCE = 1000 // pieces: what a program has printed before it hangs is seen, unless it is more
const LIMIT = 100_000 // characters: what a page shows without becoming slow
const REST = "\n[The rest is not shown.]\n"

/** What a page shows of a text: plain, settled, and as much of it as doesn't make the page slow. */
export function shown(text: string): string {
  const screen = new Screen()
  screen.write({ stream: "out", text: plainText()(text) })
  const settled = screen
    .changes()
    .map((change) => change.text)
    .join("")
  return settled.length > LIMIT ? settled.slice(0, LIMIT) + REST : settled
}

/**
 * What a program prints, as a terminal shows it: a carriage return and a backspace go back in the line, and what comes then
 * takes the place of what was there.
 */
class Screen {
  #text = "" // from the beginning of the line that was the last one when changes were asked for
  #streams = "" // of each character: o or e
  #line = 0 // where the last line begins
  #column = 0
  #passed = 0 // characters that the page has
  #same = 0 // of these, how many are as they were

  get length(): number {
    return this.#text.length - this.#passed
  }

  write({ stream, text }: Output): void {
    for (const part of text.match(/[\r\n\b\v\f]|[^\r\n\b\v\f]+/g) ?? []) {
      if (part === "\r") this.#column = 0
      else if (part === "\b") this.#column -= [...this.#before].at(-1)?.length ?? 0
      else if (part === ERASE_REST) this.#cut(this.#line + this.#column)
      else if (part === ERASE_LINE) this.#cut(this.#line)
      else if (part === "\n") this.#break(stream)
      else this.#put(stream, part)
    }
  }

  /** What the page has to do since it was last asked. */
  changes(): Change[] {
    const changes: Change[] = []
    let back = this.#passed - this.#same
    for (let begin = this.#same; begin < this.#text.length; back = 0) {
      const length = /^(o+|e+)/.exec(this.#streams.slice(begin))?.[0].length ?? 0
      const stream = this.#streams[begin] === "o" ? "out" : "err"
      changes.push({ back, stream, text: this.#text.slice(begin, begin + length) })
      begin += length
    }
    if (back > 0) changes.push({ back, stream: "out", text: "" })
    this.#text = this.#text.slice(this.#line)
    this.#streams = this.#streams.slice(this.#line)
    this.#line = 0
    this.#same = this.#passed = this.#text.length
    return changes
  }

  get #before(): string {
    return this.#text.slice(this.#line, this.#line + this.#column)
  }

  #break(stream: Output["stream"]): void {
    this.#column = this.#text.length - this.#line
    this.#put(stream, "\n")
    this.#line += this.#column
    this.#column = 0
  }

  #put(stream: Output["stream"], text: string): void {
    const place = this.#line + this.#column
    const gap = Math.max(0, place - this.#text.length) // after an erased line
    const rest = this.#text.slice(place)
    const after = place + (rest === "" ? 0 : [...rest].slice(0, [...text].length).join("").length)
    this.#same = Math.min(this.#same, place)
    this.#text = this.#text.slice(0, place) + " ".repeat(gap) + text + this.#text.slice(after)
    const letter = stream === "out" ? "o" : "e"
    this.#streams = this.#streams.slice(0, place) + letter.repeat(gap + text.length) + this.#streams.slice(after)
    this.#column += text.length
  }

  #cut(place: number): void {
    this.#same = Math.min(this.#same, place)
    this.#text = this.#text.slice(0, place)
    this.#streams = this.#streams.slice(0, place)
  }
}

/** Passes on what a program prints: at first each piece at once, later once a frame, even if the program never pauses. */
export class Printer {
  readonly #pass: (change: Change) => void
  readonly #screen = new Screen()
  #atOnce = AT_ONCE
  #left = LIMIT
  #passed = -INTERVAL
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(pass: (change: Change) => void) {
    this.#pass = pass
  }

  print({ stream, text }: Output): void {
    if (this.#left < 0) return
    const before = this.#screen.length
    const fitting = text.slice(0, this.#left)
    this.#screen.write({ stream, text: fitting })
    this.#left -= Math.max(0, this.#screen.length - before)
    if (fitting.length < text.length) {
      this.#screen.write({ stream, text: REST })
      this.#left = -1
    }
    // A program that never pauses lets no timer fire, so the clock is read here too.
    if (this.#atOnce-- > 0 || performance.now() - this.#passed >= INTERVAL) this.flush()
    else this.#timer ??= setTimeout(() => this.flush(), INTERVAL)
  }

  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const changes = this.#screen.changes()
    if (changes.length === 0) return
    for (const change of changes) this.#pass(change)
    this.#passed = performance.now()
  }
}

// What steers a terminal: colours and moves (CSI), titles and links (OSC), and single characters but tab, line end and the
// two that go back in the line.
const STEERING =
  /\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[^[\]]|[\x00-\x07\x0b\x0c\x0e-\x1f\x7f]/g
const BEGUN = /\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]*\x1b?)?$/
const ERASE_REST = "\v" // of the line; in the place of the sequences that say so
const ERASE_LINE = "\f"
const ERASING: Partial<Record<string, string>> = {
  "\x1b[K": ERASE_REST,
  "\x1b[0K": ERASE_REST,
  "\x1b[2K": ERASE_LINE,
}

/** Returns a function that leaves out what steers a terminal outside of the line, also where it comes in two parts. */
export function plainText(): (text: string) => string {
  let begun = ""
  return (text) => {
    const whole = begun + text
    begun = BEGUN.exec(whole)?.[0] ?? ""
    return whole.slice(0, whole.length - begun.length).replace(STEERING, (steering) => ERASING[steering] ?? "")
  }
}
