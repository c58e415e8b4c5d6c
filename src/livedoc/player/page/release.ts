/** Where a host sends another release of the site than the one that this page is from. */

/** Asks the host for a file, and not the browser's cache, which may hold that it was missing. Returns whether it comes. */
export async function comes(url: URL | string): Promise<boolean> {
  return (await answer(url))?.ok ?? false
}

/** Imports a module of this release. If it doesn't come, the host is asked once more. */
export async function imported(url: string): Promise<unknown> {
  try {
    return await import(url)
  } catch (error) {
    if (!(await comes(url))) throw error
    return import(`${url}#${performance.now()}`) // by this name it hasn't failed yet
  }
}

/** Whether the host no longer has what this page is made of: one of these files, or the script in the site's home page. */
export async function isOutdated(files: readonly URL[], script: URL, home: URL): Promise<boolean> {
  const answers = await Promise.all(files.map(answer))
  if (answers.some((it) => it?.status === 404 || it?.status === 410)) return true
  const page = await answer(home)
  const name = script.pathname.slice(script.pathname.lastIndexOf("/") + 1)
  return page?.ok === true && !page.text.includes(name)
}

interface Answer {
  ok: boolean
  status: number
  text: string
}

async function answer(url: URL | string): Promise<Answer | undefined> {
  try {
    const response = await fetch(url, { cache: "reload" })
    return { ok: response.ok, status: response.status, text: await response.text() } // read to its end, it replaces what was kept
  } catch {
    return undefined // no network
  }
}
