import type { Answer, Disk, Header, Store, StoredFile, Watched } from "../messages.ts"
import type { Hop } from "./visit.ts"

const MOST_FILES = 30
const MOST_BYTES = 4096 // of each file

export type Mark = "" | "new" | "changed"

export interface FileView {
  file: StoredFile
  mark: Mark
}

export interface RowView {
  name: string
  text: string
  mark: Mark
}

/** A watched expression: a mapping has rows, and anything else a text. */
export interface WatchedView {
  expression: string
  text: string
  mark: Mark
  rows: readonly RowView[] | undefined
}

export interface StoreView {
  files: readonly FileView[]
  unlisted: number
  removed: readonly string[]
  watched: readonly WatchedView[]
}

/** What an app keeps after a request, and what the request did. */
export type Kept = Pick<Answer, "store" | "changed" | "removed">

/** What an app keeps after a request, marked by what the request did. `before`: what it kept then, if that is known. */
export function storeView({ store, changed, removed }: Kept, before: Store | undefined): StoreView {
  const touched = new Set(changed)
  const known = new Set(before?.files.map(({ path }) => path))
  return {
    files: store.files.map((file) => {
      if (!touched.has(file.path)) return { file, mark: "" }
      return { file, mark: known.has(file.path) ? "changed" : "new" }
    }),
    unlisted: store.unlisted,
    removed,
    watched: store.watched.map((watched, index) => watchedView(watched, before?.watched[index])),
  }
}

function watchedView({ expression, text, rows }: Watched, before: Watched | undefined): WatchedView {
  const mark = before && !rows && before.text !== text ? "changed" : ""
  return { expression, text, mark, rows: rows?.map((row) => rowView(row, before)) }
}

function rowView([name, text]: Header, before: Watched | undefined): RowView {
  if (!before) return { name, text, mark: "new" }
  const earlier = before.rows?.find(([known]) => known === name)?.[1]
  return { name, text, mark: earlier === undefined ? "new" : earlier === text ? "" : "changed" }
}

/** What is shown of the files on a disk while there is no Python to look at them. */
export function storeOn(disk: Disk): Store {
  const files = disk.flatMap(({ path, milliseconds, content }) => {
    if (!(content instanceof Uint8Array)) return []
    const head = content.subarray(0, MOST_BYTES)
    return [{ path: path.slice(1), size: content.length, head, seconds: milliseconds / 1000 }]
  })
  return { files: files.slice(0, MOST_FILES), unlisted: Math.max(0, files.length - MOST_FILES), watched: [] }
}

/** What requests did to the files, in a sentence. */
export function fileNews(hops: readonly Hop[]): string[] {
  const all = (paths: readonly string[]) => new Set(paths).size
  const changed = all(hops.flatMap(({ answer }) => answer.changed))
  const removed = all(hops.flatMap(({ answer }) => answer.removed))
  const told = (count: number, verb: string) =>
    count > 0 ? [`The server ${verb} ${count} file${count === 1 ? "" : "s"}.`] : []
  return [...told(changed, "wrote"), ...told(removed, "removed")]
}
