import type { WrittenFile } from "../messages.ts"

/** A folder of what a run left: its folders and files, by name. */
export interface Folder {
  folders: Map<string, Folder>
  files: Map<string, WrittenFile>
}

export function tree(files: readonly WrittenFile[]): Folder {
  const empty = (): Folder => ({ folders: new Map(), files: new Map() })
  const root = empty()
  for (const file of files) {
    const names = file.path.split("/")
    const name = names.pop() ?? ""
    let folder = root
    for (const part of names) {
      const inner = folder.folders.get(part) ?? empty()
      folder.folders.set(part, inner)
      folder = inner
    }
    folder.files.set(name, file)
  }
  return root
}

/** A folder with nothing in it but another one, and so on, as one of them: "a/b/c". */
export function joined(name: string, folder: Folder): [string, Folder] {
  const [only, ...others] = folder.folders
  if (!only || others.length > 0 || folder.files.size > 0) return [name, folder]
  return joined(`${name}/${only[0]}`, only[1])
}

/** A file and its size: "notes.txt, 12 bytes". */
export function withSize(name: string, size: number): string {
  return `${name}, ${size} ${size === 1 ? "byte" : "bytes"}`
}

/** The text that bytes are, if they are UTF-8 without control characters. What is cut may end within a character. */
export function textOf(bytes: Uint8Array, cut: boolean): string | undefined {
  try {
    const decoded = new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: cut })
    return /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(decoded) ? undefined : decoded
  } catch {
    return undefined
  }
}

/** Bytes as hexadecimal numbers, 8 in a line, with the letters that they stand for. */
export function hex(bytes: Uint8Array): string {
  const lines: string[] = []
  for (let start = 0; start < bytes.length; start += 8) {
    const row = [...bytes.subarray(start, start + 8)]
    const numbers = row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ")
    const letters = String.fromCharCode(...row).replace(/[^ -~]/g, ".")
    lines.push(`${start.toString(16).padStart(4, "0")}  ${numbers.padEnd(23)}  ${letters}`)
  }
  return lines.join("\n")
}
