import { element } from "./element.ts"

export type Make = () => HTMLElement | Promise<HTMLElement>

/** What scrolls can be scrolled with the keyboard, and says what it is. */
export function readable(name: string): Record<string, string> {
  return { tabindex: "0", role: "group", "aria-label": name }
}

/** A button that shows, in `place`, what is made when it is first pressed, and hides it again. */
export function disclosing(name: string, make: Make, place: HTMLElement): HTMLButtonElement {
  const button = element("button", "snippet-offer", { type: "button", "aria-expanded": "false" }, name)
  const trouble = element("p", "", { role: "alert" }, "This did not come. Press the button again.")
  let made: HTMLElement | undefined
  const toggle = async () => {
    try {
      if (made) made.hidden = !made.hidden
      else {
        const late = await make()
        if (made || !button.isConnected) return // pressed twice, or what it belongs to has gone
        place.append((made = late))
      }
      trouble.remove()
      button.setAttribute("aria-expanded", String(!made.hidden))
    } catch {
      place.append(trouble)
    }
  }
  button.addEventListener("click", () => void toggle())
  return button
}
