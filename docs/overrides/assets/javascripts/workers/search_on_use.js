// Stands before Material's search worker, whose name is the fragment of this one's address: neither that worker nor the
// index is fetched before somebody searches. To the page it is ready at once.

const [SETUP, READY, QUERY, RESULT] = [0, 1, 2, 3]

let engine

async function open() {
  const response = await fetch("../../../search/search_index.json")
  const index = await response.json()
  const worker = new Worker(location.hash.slice(1))
  const ready = new Promise((resolve, reject) => {
    worker.onmessage = ({ data: reply }) => (reply.type === READY ? resolve(worker) : postMessage(reply))
    worker.onerror = reject
  })
  worker.postMessage({ type: SETUP, data: { ...index, options: { suggest: true } } })
  return ready
}

onmessage = async ({ data: message }) => {
  if (message.type !== QUERY) throw new TypeError(`the page should only ask, not send ${message.type}`)
  if (message.data === "" && !engine) return postMessage({ type: RESULT, data: { items: [] } })
  try {
    engine ??= open()
    const worker = await engine
    worker.postMessage(message)
  } catch (error) {
    engine = undefined // the next query tries again
    throw error
  }
}

postMessage({ type: READY })
