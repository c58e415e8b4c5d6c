import { element } from "../page/element.ts"

/** Parts of a lab, by what their tabs say. An event `lab-show` on one chooses it. */
export type Panels = Readonly<Record<string, HTMLElement>>

/** The attributes of a panel of this kind. The keyboard reaches it, as it may scroll. */
export function panelAttributes(kind: string, owner: string): Record<string, string> {
  const title = `${kind.charAt(0).toUpperCase()}${kind.slice(1)} of ${owner}`
  return { "data-panel": kind, "data-title": title, "aria-label": title, tabindex: "0" }
}

const NARROW = "(width < 48em)"

/** The tabs of panels that are side by side where there is room. */
export function tabsFor(panels: Panels, name: string): HTMLElement {
  const bar = element("div", "lab-tabs", { role: "tablist", "aria-label": name })
  const narrow = matchMedia(NARROW)
  const names = Object.keys(panels)
  let chosen = names[0]
  const tabs = names.map((name) => {
    const tab = element("button", "lab-tab", { type: "button", role: "tab" }, name)
    tab.addEventListener("click", () => choose(name))
    return tab
  })
  bar.append(...tabs)

  const arrange = () => {
    bar.hidden = !narrow.matches
    for (const [index, [name, panel]] of Object.entries(panels).entries()) {
      const isChosen = name === chosen
      panel.hidden = narrow.matches && !isChosen
      panel.role = narrow.matches ? "tabpanel" : "region"
      const tab = tabs[index]
      if (!tab) continue
      tab.ariaSelected = String(isChosen)
      tab.tabIndex = isChosen ? 0 : -1
    }
  }
  const choose = (name: string | undefined) => {
    chosen = name
    arrange()
  }
  for (const [name, panel] of Object.entries(panels)) panel.addEventListener("lab-show", () => choose(name))
  bar.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    if (!step) return
    event.preventDefault()
    const next = (names.indexOf(chosen ?? "") + step + names.length) % names.length
    choose(names[next])
    tabs[next]?.focus()
  })
  narrow.addEventListener("change", arrange)
  arrange()
  return bar
}
