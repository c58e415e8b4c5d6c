import type { LogRecord } from "../messages.ts"
import { element } from "../page/element.ts"
import { shortened } from "./explanation.ts"

const LANE = "lane"
const MOST_LANES = 6

/** What was done, and in which lane. */
export interface Event {
  lane: string
  text: string
}

/** The records that name a lane, in the order in which they were logged, and the others. */
export function apart(records: readonly LogRecord[]): { events: Event[]; others: LogRecord[] } {
  const events: Event[] = []
  const lanes = new Set<string>()
  const others = records.filter(({ message, extra }) => {
    const lane = extra.find(([name]) => name === LANE)?.[1]
    if (!lane || (lanes.size === MOST_LANES && !lanes.has(lane))) return true
    lanes.add(lane)
    events.push({ lane, text: message })
    return false
  })
  return { events, others }
}

/** By name, with the numbers in them as numbers. */
export function sorted(lanes: Iterable<string>): string[] {
  return [...lanes].sort((one, other) => one.localeCompare(other, "en", { numeric: true }))
}

/** One column for each lane, and one row for each event. It reads as a list: "request 1: reads", "request 2: reads". */
export function lanesOf(events: readonly Event[]): HTMLElement {
  const lanes = sorted(new Set(events.map(({ lane }) => lane))) // in each picture on the same side
  const names = lanes.map((lane) => element("span", "", {}, shortened(lane)))
  const items = events.map(({ lane, text }, row) => {
    const item = element("li", "", {}, element("span", "lab-lane-said", {}, `${shortened(lane)}: `), shortened(text))
    item.style.gridArea = `${row + 1} / ${lanes.indexOf(lane) + 1}` // no two happened at once
    return item
  })
  const list = element("ol", "", { role: "list", "aria-label": "What was done, in this order" }, ...items)
  const heads = element("div", "lab-lane-names", { "aria-hidden": "true" }, ...names) // each item of the list has its own
  const picture = element("div", "lab-lanes", {}, heads, list)
  picture.style.setProperty("--lanes", String(lanes.length))
  return picture
}
