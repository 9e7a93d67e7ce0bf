/**
 * Reads JSON as DuckDB does, so that a text is JSON in files and in streams alike: trailing commas are passed over, and NaN and
 * infinity, which JSON has no numbers for, are what `literal` makes of them (JSON again; texts by default). Undefined for a text
 * that is no JSON.
 */
export function parseJson(
  text: string,
  reviver?: (key: string, value: unknown) => unknown,
  literal: (found: string) => string = JSON.stringify,
): unknown {
  const value = standardOf(text, reviver) ?? standardOf(withoutLiberties(text, literal), reviver)
  if (value === undefined) return undefined
  return surrogateEscape.test(text) && !isWellFormed(value.json) ? undefined : value.json
}

function standardOf(text: string, reviver?: (key: string, value: unknown) => unknown): { readonly json: unknown } | undefined {
  try {
    return { json: JSON.parse(text, reviver) }
  } catch {
    return undefined
  }
}

const liberties = /"(?:[^"\\]|\\.)*"|-?\b(?:nan|inf(?:inity)?)\b|(?<![[{,]\s*),(?=\s*[\]}])/gis

const withoutLiberties = (text: string, literal: (found: string) => string): string =>
  text.replace(liberties, (found) => (found.startsWith('"') ? found : found === ',' ? '' : literal(found)))

/** Only an escape can bring half a character into a text that was decoded from bytes. */
const surrogateEscape = /\\u[dD][89a-fA-F]/

function isWellFormed(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed()
  if (typeof value !== 'object' || value === null) return true
  return Object.entries(value).every(([name, member]) => name.isWellFormed() && isWellFormed(member))
}
