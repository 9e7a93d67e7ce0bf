const [firstSurrogate, afterSurrogates, lastCodePoint] = [0xd800, 0xe000, 0x10ffff]

/** The lowest text above all that begin with a prefix, by the bytes of UTF-8; null where there is none. */
export function afterPrefix(prefix: string): string | null {
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0)
  while (points.at(-1) === lastCodePoint) points.pop()
  const last = points.pop()
  if (last === undefined) return null
  return String.fromCodePoint(...points, last + 1 === firstSurrogate ? afterSurrogates : last + 1)
}
