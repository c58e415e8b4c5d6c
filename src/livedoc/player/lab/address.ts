import { ORIGIN } from "./visit.ts"

/** The address that a reader typed; a text: what is wrong with it. */
export function typed(text: string): URL | string {
  const trimmed = text.trim()
  if (!URL.canParse(trimmed, ORIGIN)) return `${trimmed} isn't an address. Write a path, such as /.`
  const address = new URL(trimmed, ORIGIN)
  if (address.origin !== ORIGIN) return `This browser visits ${ORIGIN} only. Write a path, such as /.`
  address.username = address.password = ""
  return address
}

/** An address as the reader types it. */
export function short({ pathname, search }: URL): string {
  return pathname + search
}
