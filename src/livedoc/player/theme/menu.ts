// On a small screen a label opens Material's menu, and no keyboard reaches a label. A button takes its place: it moves the
// focus into the menu, and Escape moves it back.

const label = required<HTMLLabelElement>(".md-header [for=__drawer]")
const drawer = required<HTMLInputElement>("#__drawer")

const button = document.createElement("button")
button.type = "button"
button.className = `${label.className} md-header__menu`
button.setAttribute("aria-label", "Menu")
button.append(...label.childNodes)
label.replaceWith(button)

showState()
drawer.addEventListener("change", showState)
button.addEventListener("click", () => {
  drawer.click()
  if (!drawer.checked) return
  for (const link of document.querySelectorAll<HTMLElement>(".md-nav--primary .md-nav__list :is(a, input)")) {
    link.focus()
    if (document.activeElement === link) return // what is before it isn't shown: the menu opens at the page's section
  }
})
addEventListener("keydown", ({ key }) => {
  if (key !== "Escape" || !drawer.checked) return
  drawer.click()
  button.focus()
})

function showState(): void {
  button.setAttribute("aria-expanded", String(drawer.checked))
}

function required<Part extends HTMLElement>(selector: string): Part {
  const found = document.querySelector<Part>(selector)
  if (!found) throw new Error(`Material's page has no ${selector}`)
  return found
}
