/**
 * Keeps the theme's keys of one character (n, p, s, f and others, which turn the page or open the search) from a reader who
 * is in a block, or has just been: where a click leaves the focus nowhere, the block is still what they work with.
 */
export function guardKeys(page: Document): void {
  let used: EventTarget | null = null
  const use = ({ target }: Event) => void (used = target)
  page.addEventListener("pointerdown", use, true)
  page.addEventListener("focusin", use, true)
  page.addEventListener("keydown", (event) => {
    const at = page.activeElement === page.body ? used : page.activeElement
    const isCharacter = [...event.key].length === 1 && !event.ctrlKey && !event.metaKey
    if (isCharacter && at instanceof Element && at.isConnected && at.closest(".snippet")) event.stopPropagation() // the theme listens at the window
  })
}
