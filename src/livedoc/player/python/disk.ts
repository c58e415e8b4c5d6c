import type { PyodideAPI } from "pyodide"
import type { Disk, DiskEntry } from "../messages.ts"

type FS = PyodideAPI["FS"]

/** The folder in which a server works. It has the same name after a restart. */
export const FOLDER = "/home/server"

/** What is in the folder now: each folder before what is inside. */
export function readDisk(FS: FS, folder: string = FOLDER): Disk {
  const look = (inside: string): DiskEntry[] =>
    (FS.readdir(folder + inside) as string[])
      .filter((name) => name !== "." && name !== "..")
      .sort()
      .flatMap((name) => {
        const path = `${inside}/${name}`
        const { mode, mtime } = FS.lstat(folder + path) as { mode: number; mtime: Date }
        const entry = { path, mode, milliseconds: mtime.getTime() }
        if (FS.isDir(mode)) return [{ ...entry, content: undefined }, ...look(path)]
        if (FS.isLink(mode)) return [{ ...entry, content: FS.readlink(folder + path) as string }]
        return FS.isFile(mode) ? [{ ...entry, content: FS.readFile(folder + path) }] : []
      })
  return look("")
}

/** Puts a disk into the folder, which is made. */
export function writeDisk(FS: FS, disk: Disk, folder: string = FOLDER): void {
  FS.mkdirTree(folder)
  for (const { path, content } of disk) {
    if (content === undefined) FS.mkdir(folder + path)
    else if (typeof content === "string") FS.symlink(content, folder + path)
    else FS.writeFile(folder + path, content)
  }
  // From the inside out: what is put into a folder changes its time.
  for (const { path, mode, milliseconds, content } of [...disk].reverse()) {
    if (typeof content === "string") continue
    FS.chmod(folder + path, mode & 0o7777)
    FS.utime(folder + path, milliseconds, milliseconds)
  }
}
