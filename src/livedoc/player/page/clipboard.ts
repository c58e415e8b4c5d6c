import { element } from "./element.ts"

/** Puts text into the reader's clipboard. Returns whether it could. */
export async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return copiedBySelection(text) // no permission, or a page without TLS
  }
}

function copiedBySelection(text: string): boolean {
  const focused = document.activeElement
  const field = element("textarea", "", { readonly: "" })
  field.value = text
  document.body.append(field)
  field.select()
  const done = document.execCommand("copy")
  field.remove()
  if (focused instanceof HTMLElement) focused.focus()
  return done
}
