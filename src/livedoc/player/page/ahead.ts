/** Does something ahead once the reader comes near, unless they asked their browser to save data. */
export function doAhead(near: HTMLElement, ahead: () => unknown): void {
  const come = () => {
    const connection = Reflect.get(navigator, "connection") as { saveData?: boolean } | undefined
    if (!connection?.saveData) ahead()
  }
  for (const event of ["pointerenter", "focusin"]) near.addEventListener(event, come, { once: true })
}
