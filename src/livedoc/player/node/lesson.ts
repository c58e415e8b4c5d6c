import type { ElementHandle, Page } from "puppeteer-core"

/** What came of a step that was played with the controls that a reader has. */
export interface Played {
  do: string
  see: string
  /** Whether what it says was to be seen before it was done, and once it was done. */
  before: boolean
  after: boolean
  ticked: boolean
}

interface Do {
  kind: string
  browser: string
  method: string
  target: string
  action: string
  body: string
  cookie: string
  receiver: string
  name: string
  operation: string
  value: number | string
}

interface See {
  browser: string
  panel: string
  text: string
}

/** Plays the steps of the page's laboratory. A page without one has no steps. */
export async function played(page: Page): Promise<Played[]> {
  const lab = await page.$("[data-lab]")
  if (!lab) return []
  await press(page, "[data-lab]", "Start")
  await page.waitForSelector('[data-lab][data-state="ready"]')
  const steps = await page.$$eval("[data-step]", (items) => items.map((item) => ({ ...(item as HTMLElement).dataset })))
  const all: Played[] = []
  for (const step of steps) {
    const see = JSON.parse(step.see ?? "") as See
    const before = await isSeen(page, see)
    await perform(page, JSON.parse(step.do ?? "") as Do)
    const ticked = await page
      .waitForSelector(`[data-step="${step.step}"][data-done="true"]`)
      .then(Boolean)
      .catch(() => false)
    all.push({ do: step.do ?? "", see: step.see ?? "", before, after: await isSeen(page, see), ticked })
  }
  return all
}

async function perform(
  page: Page,
  { kind, browser, method, target, body, action, cookie, receiver, name, value, operation }: Do,
): Promise<void> {
  if (kind === "restart") {
    await press(page, "[data-lab]", "Restart")
    await page.waitForSelector('[data-lab][data-state="ready"]')
    return
  }
  if (kind === "plug") {
    await page.select("[data-lab] .lab-plug select", operation)
    return press(page, "[data-lab]", "Pull the plug")
  }
  if (kind === "control") return turn(page, name, String(value))
  const place = `[data-browser="${browser}"]`
  if (kind === "copy") return press(page, `${place} [data-cookie="${cookie}"]`, `Copy to ${receiver}`)
  if (kind === "cookie") {
    const button = action.charAt(0).toUpperCase() + action.slice(1)
    return press(page, `${place} [data-cookie="${cookie}"]`, button)
  }
  await page.select(`${place} .lab-form select`, method)
  const address = await page.waitForSelector(`${place} .lab-address input`)
  await address?.click({ count: 3 })
  await address?.type(target)
  if (body) {
    const fields = [...new URLSearchParams(body)].map(([name, value]) => `${name}=${value}`)
    await page.$eval(
      `${place} .lab-typed textarea`,
      (field, text) => ((field as HTMLTextAreaElement).value = text),
      fields.join("\n"),
    )
  }
  await press(page, place, "Send")
}

async function turn(page: Page, name: string, value: string): Promise<void> {
  const id = await page.$$eval(
    "[data-lab] label",
    (labels, name) => labels.find(({ textContent }) => textContent === name)?.htmlFor ?? "",
    name,
  )
  await page.$eval(
    `#${id}`,
    (input, value) => {
      ;(input as HTMLInputElement).value = value
      for (const event of ["input", "change"]) input.dispatchEvent(new Event(event))
    },
    value,
  )
}

async function press(page: Page, inside: string, name: string): Promise<void> {
  const found = await page.waitForFunction(
    (inside, name) =>
      [...(document.querySelector(inside)?.querySelectorAll("button") ?? [])].find(
        (button) => button.textContent === name,
      ),
    {},
    inside,
    name,
  )
  await (found as ElementHandle).click()
}

async function isSeen(page: Page, { browser, panel, text }: See): Promise<boolean> {
  const owner = browser ? `[data-browser="${browser}"]` : "[data-lab]"
  return page.$eval(
    `${owner} [data-panel="${panel}"]`,
    (shown, text) => (shown as HTMLElement).innerText.replace(/\s+/g, " ").includes(text),
    text,
  )
}
