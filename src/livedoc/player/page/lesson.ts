import type { Block } from "./block.ts"
import { Steps } from "./steps.ts"

/** Gives the steps of each laboratory their buttons. They stand below it. */
export function mount(blocks: readonly Block[]): void {
  const labs = new Map(blocks.map((block) => block.app))
  const steps = new Map<string, HTMLElement[]>()
  let path = ""
  for (const each of document.querySelectorAll<HTMLElement>("[data-lab], [data-step]")) {
    if (each.dataset.lab !== undefined) path = each.dataset.lab
    else if (!each.querySelector(".lab-step")) steps.set(path, [...(steps.get(path) ?? []), each])
  }
  for (const [path, items] of steps) {
    const lab = labs.get(path)
    if (lab) new Steps(items, lab, path, () => localStorage)
  }
}
