// The menu of a small screen opens with a label, which no keyboard reaches: with JavaScript it is a button. It leads into
// the menu, and Escape leads out.

const label = document.querySelector(".md-header [for=__drawer]")
const drawer = document.querySelector("#__drawer")

const button = document.createElement("button")
button.type = "button"
button.className = `${label.className} md-header__menu`
button.ariaLabel = "Menu"
button.append(...label.childNodes)
label.replaceWith(button)

const tell = () => (button.ariaExpanded = String(drawer.checked))
tell()
drawer.addEventListener("change", tell)
button.addEventListener("click", () => {
  drawer.click()
  if (drawer.checked) document.querySelector(".md-nav--primary .md-nav__list :is(a, input)").focus()
})
addEventListener("keydown", ({ key }) => {
  if (key !== "Escape" || !drawer.checked) return
  drawer.click()
  button.focus()
})
