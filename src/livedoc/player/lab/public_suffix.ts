// Stands in for tldts, which tough-cookie asks for a domain's registrable part: its list of all the world's public suffixes
// is three quarters of the bundle. A lab has one host, so a cookie for any other domain is refused whatever the list says.

/** The domain itself, or null for one that can only be a public suffix. */
export function getDomain(domain: string): string | null {
  return domain.includes(".") ? domain : null
}
