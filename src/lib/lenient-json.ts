import { parseJsonText, type Reviver } from './parse-json.ts'

/**
 * Reads JSON as DuckDB does, so that a text is JSON in files and in streams alike: trailing commas are passed over, and NaN and
 * infinity, which JSON has no numbers for, are what `literal` makes of them (JSON again; texts by default). Undefined for a text
 * that is no JSON.
 */
export function parseJson(text: string, reviver?: Reviver, literal: (found: string) => string = JSON.stringify): unknown {
  const value = standardJson(text, reviver)
  return value === undefined ? standardJson(withoutLiberties(text, literal), reviver) : value
}

/** Reads JSON as its standard has it; undefined for anything else, half a character of Unicode included. */
export function standardJson(text: string, reviver?: Reviver): unknown {
  try {
    const value = parseJsonText(text, reviver)
    return text.includes('\\u') && surrogateEscape.test(text) && !isWellFormed(value) ? undefined : value
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
