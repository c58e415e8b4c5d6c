import type { Outcome } from "./runner.ts"

/** What is said before a first run, of the most that one can fetch: "Runs in your browser: up to 4.9 MB, once". */
export function invitation(most: number): string {
  return `Runs in your browser: up to ${megabytes(Math.ceil(most / 100_000) * 100_000)} MB, once`
}

/** "Loading Python, 2.3 of 4.9 MB". */
export function loading(loaded: number, total: number): string {
  return `Loading Python, ${megabytes(loaded)} of ${megabytes(total)} MB`
}

export function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toFixed(1)
}

/** How a run ended: "Finished, 3 lines, 0.1 s, as expected" or "Failed: KeyError, line 12". Undefined: nothing was. */
export function finished(outcome: Outcome, printed: string, isExpected: boolean | undefined): string {
  if (outcome.kind === "failed")
    return `Failed: ${outcome.error}${outcome.line === undefined ? "" : `, line ${outcome.line}`}`
  const seconds = outcome.seconds < 0.1 ? "under 0.1 s" : `${outcome.seconds.toFixed(1)} s`
  const verdict = isExpected === undefined ? "" : isExpected ? ", as expected" : ", not as expected"
  return `Finished, ${lines(printed)}, ${seconds}${verdict}`
}

function lines(text: string): string {
  const count = text.split("\n").length - (text.endsWith("\n") || text === "" ? 1 : 0)
  return count === 1 ? "1 line" : `${count} lines`
}
