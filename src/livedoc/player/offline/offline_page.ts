const STYLE = `
  :root { color-scheme: light dark; background: light-dark(#f7f2e7, #1b1612); color: light-dark(#221c15, #ede4d3) }
  body { max-width: 36rem; margin: 12vh auto; padding: 0 1.2rem; font: 1.1rem/1.6 system-ui, sans-serif }
  a { color: inherit }
  li { padding: 0.2rem 0 }
`

/** Says that a page is not here, and which are. Titles and paths are HTML. */
export function offlinePage(root: string, pages: readonly (readonly [path: string, title: string])[]): Response {
  const links = pages.map(([path, title]) => `<li><a href="${root}${path}">${title}</a></li>`)
  const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>This page is not here offline</title>
<style>${STYLE}</style>
<main>
<h1>This page is not here offline</h1>
<p>The network does not answer, and this browser has not kept the page. <a href="">Try again</a>.</p>
${links.length > 0 ? `<p>These pages are here:</p>\n<ul>\n${links.join("\n")}\n</ul>` : ""}
</main>
</html>
`
  const headers = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
  }
  return new Response(html, { status: 503, statusText: "Offline", headers })
}
