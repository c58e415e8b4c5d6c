// A worker between the page and Material's search worker, so neither that one nor the index is fetched before somebody
// searches. It tells the page at once that the search is ready. The fragment of its own address is the address of
// Material's worker. A query that finds nothing is asked again in wider forms.

import { widened } from "./query.ts"

// The kinds of Material's messages.
const SETUP = 0
const READY = 1
const QUERY = 2
const RESULT = 3

interface Message {
  type: number
  data?: unknown
}

// What Material's worker was asked and hasn't answered, each with the wider forms that are left. It answers in order.
const asked: string[][] = []
let engine: Promise<Worker> | undefined

addEventListener("message", ({ data: message }: MessageEvent<Message>) => void answer(message))
reply({ type: READY })

async function answer(message: Message): Promise<void> {
  if (message.type !== QUERY)
    throw new TypeError(`the page must send queries only, not a message of type ${message.type}`)
  if (message.data === "" && !engine) return reply({ type: RESULT, data: { items: [] } })
  try {
    engine ??= open()
    ask(await engine, message.data, widened(String(message.data)))
  } catch (error) {
    engine = undefined // the next query tries again
    throw error
  }
}

/** Starts Material's worker and gives it the index. */
async function open(): Promise<Worker> {
  const response = await fetch("../../search/search_index.json")
  const index = (await response.json()) as object
  const worker = new Worker(SEARCH_ENGINE + location.hash)
  const ready = new Promise<Worker>((resolve, reject) => {
    worker.onmessage = ({ data: message }: MessageEvent<Message>) =>
      message.type === READY ? resolve(worker) : pass(worker, message)
    worker.onerror = () => reject(new Error("Material's search worker did not start"))
  })
  worker.postMessage({ type: SETUP, data: { ...index, options: { suggest: true } } } satisfies Message)
  return ready
}

function ask(worker: Worker, query: unknown, wider: string[]): void {
  asked.push(wider)
  worker.postMessage({ type: QUERY, data: query } satisfies Message)
}

/** Gives the page what was found, unless nothing was and there is a wider form. What is late by then isn't shown. */
function pass(worker: Worker, message: Message): void {
  const [next, ...wider] = asked.shift() ?? []
  if (asked.length > 0) return
  const { items } = message.data as { items: unknown[] }
  if (items.length > 0 || next === undefined) reply(message)
  else ask(worker, next, wider)
}

function reply(message: Message): void {
  postMessage(message)
}
