/** The bytes of a first run of `script` at the most, if one that imports everything fetches `total`. */
export function weight(script: string, total: number, packages: Record<string, Weight>): number {
  const needed = new Set<string>()
  const add = (name: string) => {
    if (needed.has(name)) return
    needed.add(name)
    packages[name]?.depends.forEach(add)
  }
  for (const [name, { imports }] of Object.entries(packages))
    if (imports.some((module) => new RegExp(`^\\s*(from|import)\\s+${module}\\b`, "m").test(script))) add(name)
  return Object.entries(packages).reduce((sum, [name, { size }]) => (needed.has(name) ? sum : sum - size), total)
}
