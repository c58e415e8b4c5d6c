export { sharedBy } from "./share.ts"
export { checked } from "./checklist.ts"
import { difference } from "./difference.ts"
import { disclosing, readable } from "./disclosure.ts"
import { element } from "./element.ts"
import { type Folder, hex, joined, textOf, tree, withSize } from "./files.ts"
import type { WrittenFile } from "../messages.ts"

const SIGNS = { " ": "span", "-": "del", "+": "ins" } as const

/** How what was expected becomes what was printed, line by line. */
export function differing(expected: string, printed: string): HTMLElement {
  const rows = difference(expected, printed).map(({ sign, text }) => element(SIGNS[sign], "", {}, `${sign} ${text}\n`))
  return element("pre", "snippet-difference", readable("Expected and printed"), ...rows)
}

/** The files that a run left, in their folders, and how many more there are. */
export function listed(files: readonly WrittenFile[], unlisted: number): HTMLElement {
  const list = folderList(tree(files))
  if (unlisted > 0) list.append(element("li", "", {}, `and ${unlisted} more`))
  return list
}

function folderList({ folders, files }: Folder): HTMLUListElement {
  const list = element("ul", "snippet-files")
  for (const inner of folders) {
    const [name, folder] = joined(...inner)
    list.append(element("li", "", {}, `${name}/`, folderList(folder)))
  }
  for (const [name, file] of files) list.append(element("li", "", {}, content(name, file)))
  return list
}

function content(name: string, { size, head }: WrittenFile): HTMLElement {
  const cut = head.length < size
  const text = textOf(head, cut)
  const item = element("div", "")
  const open = disclosing(
    withSize(name, size),
    () => {
      const inside = element("div", "")
      if (text !== undefined) inside.append(element("pre", "", readable(`${name} as text`), text))
      inside.append(element("pre", "snippet-bytes", readable(`${name} as bytes`), hex(head)))
      if (cut) inside.append(element("p", "", {}, `The first ${head.length} bytes.`))
      return inside
    },
    item,
  )
  item.prepend(open)
  return item
}
