import type { Values } from "../messages.ts"
import { type Edit, isEdit } from "./edits.ts"

/** An edit and the block it is for. */
export interface Shared extends Edit {
  block: string
  /** What the controls of its lab were set to. */
  values?: Values | undefined
}

// People keep links. A new form gets a new number, and the old ones are still read.
// A mail or a chat may take what ends a sentence into the link: all that no link has is left out.
const FORM = /^#try=1\.([\w-]+)/

/** The hash of a link that brings `shared` to anyone who opens it; undefined in a browser that can't pack. */
export async function linkTo({ block, hash, script, values }: Shared): Promise<string | undefined> {
  const packing = streamOf("CompressionStream")
  if (!packing) return undefined
  const packed = await through(packing, JSON.stringify({ block, hash, script, values }))
  return `#try=1.${base64url(new Uint8Array(await packed.arrayBuffer()))}`
}

/**
 * What the hash of a link brings; undefined if it brings nothing, "broken" if it was cut or changed on its way, and
 * "unreadable" in a browser that can't unpack.
 */
export async function sharedBy(hash: string): Promise<Shared | "broken" | "unreadable" | undefined> {
  if (!hash.startsWith("#try=")) return undefined
  const packed = FORM.exec(hash)?.[1] ?? ""
  // What a mail puts around a link may end with these too, which are letters of ours.
  for (const whole of new Set([packed, packed.replace(/[-_]$/, ""), packed.replace(/[-_]+$/, "")])) {
    const unpacking = streamOf("DecompressionStream")
    if (!unpacking) return "unreadable"
    const shared = await unpacked(whole, unpacking)
    if (shared) return shared
  }
  return "broken"
}

async function unpacked(packed: string, unpacking: DecompressionStream): Promise<Shared | undefined> {
  try {
    const bytes = fromBase64url(packed)
    const shared: unknown = JSON.parse(await (await through(unpacking, bytes)).text())
    if (isEdit(shared) && "block" in shared && typeof shared.block === "string") {
      const { hash, script, block } = shared
      return "values" in shared ? { block, hash, script, values: valuesOf(shared.values) } : { block, hash, script }
    }
  } catch {
    // said by what is returned
  }
  return undefined
}

/** Those that a control can have. */
function valuesOf(given: unknown): Values {
  if (typeof given !== "object" || given === null) return {}
  const isValue = ([, value]: [string, unknown]) => typeof value === "string" || typeof value === "number"
  return Object.fromEntries(Object.entries(given).filter(isValue)) as Values
}

function streamOf(
  name: "CompressionStream" | "DecompressionStream",
): CompressionStream | DecompressionStream | undefined {
  try {
    return new globalThis[name]("deflate-raw")
  } catch {
    return undefined // the browser has none, or one for other forms only
  }
}

async function through(stream: CompressionStream | DecompressionStream, data: BlobPart): Promise<Response> {
  return new Response(new Blob([data]).stream().pipeThrough(stream))
}

function base64url(bytes: Uint8Array): string {
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")
}

function fromBase64url(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0))
}
