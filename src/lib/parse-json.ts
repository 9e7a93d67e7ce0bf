/** What `JSON.parse` takes to make another value of a value; `source` is how a value that is no object was written. */
export type Reviver = (key: string, value: unknown, context: { readonly source: string }) => unknown

/**
 * `JSON.parse`, by way of other keys where some are written with escapes: V8 (12.8 and later) can take such a key for another, `"\n"` for
 * a backslash, once it has read a like object whose key begins with a backslash (https://github.com/nodejs/node/issues/63785). A reviver
 * sees the other keys. Throws `SyntaxError`.
 */
export function parseJsonText(text: string, reviver?: Reviver): unknown {
  const revive = reviver as ((key: string, value: unknown) => unknown) | undefined
  if (!text.includes('\\') || !hasEscapedKey(text)) return JSON.parse(text, revive)
  const other = text.replace(strings, (found, string: string, colon?: string) =>
    colon === undefined ? found : `"${hexOf(string)}"${colon}`,
  )
  return withOwnKeys(JSON.parse(other, revive))
}

/** A string of JSON, and the colon that makes it a key. */
const strings = /("(?:[^"\\]|\\.)*")(\s*:)?/gs

const hasEscapedKey = (text: string): boolean => {
  for (const [, string, colon] of text.matchAll(strings)) if (colon !== undefined && string?.includes('\\')) return true
  return false
}

/** Begins with a letter: as a number it would change the order of the keys. */
const hexOf = (string: string): string => `x${Buffer.from(JSON.parse(string) as string, 'utf16le').toString('hex')}`
const textOf = (hex: string): string => Buffer.from(hex.slice(1), 'hex').toString('utf16le')

function withOwnKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withOwnKeys)
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [textOf(key), withOwnKeys(member)]))
}
