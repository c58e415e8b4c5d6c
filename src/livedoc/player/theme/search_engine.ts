// Material's search worker with a mistake of its search library mended. The fragment of its own address is the address
// of Material's worker.

interface TokenSet {
  final: boolean
  id: number
  edges: Record<string, TokenSet>
}

declare function importScripts(url: string): void
declare const lunr: { TokenSet: { prototype: TokenSet } }

importScripts(location.hash.slice(1))

// By this text Lunr tells whether two nodes of its graph of words are the same. It joins labels and numbers with nothing
// between them, so that "1" to node 23 was "12" to node 3, and now and then a word of the site found nothing.
lunr.TokenSet.prototype.toString = function (this: TokenSet): string {
  const edges = Object.keys(this.edges).sort()
  return [this.final, ...edges.map((label) => `${label} ${this.edges[label]?.id}`)].join()
}
