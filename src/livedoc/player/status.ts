import type { Ending } from "./runner.ts"

/** "Loading Python, 7.3 of 12.9 MB". */
export function loading(loaded: number, total: number): string {
  return `Loading Python, ${megabytes(loaded)} of ${megabytes(total)} MB`
}

function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toFixed(1)
}

/** How a run ended, and whether it printed what the page promised. */
export function finished(ending: Ending, printed: string, promised: string | undefined): string {
  const seconds = ending.seconds < 0.1 ? "under 0.1 s" : `${ending.seconds.toFixed(1)} s`
  if (ending.kind === "failed") return `Failed after ${seconds}`
  if (promised === undefined) return `Finished in ${seconds}`
  return `Finished in ${seconds}, ${printed === promised ? "as promised" : "differs from the promised output"}`
}
