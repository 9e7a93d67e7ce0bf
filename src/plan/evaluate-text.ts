import { lift, lift2, type Operand, type RowFunction } from './operand.ts'

type One = readonly [Operand, ...Operand[]]
type Two = readonly [Operand, Operand, ...Operand[]]

export const lower = ([text]: One): RowFunction => lift<string>(text, (a) => a.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()))
export const upper = ([text]: One): RowFunction => lift<string>(text, (a) => a.replace(/[a-z]+/g, (letters) => letters.toUpperCase()))
export const trim = ([text]: One): RowFunction => lift<string>(text, withoutSpaces)
export const length = ([text]: One): RowFunction => lift<string>(text, codePoints)
export const startsWith = ([text, part]: Two): RowFunction => lift2<string, string>(text, part, (a, b) => a.startsWith(b))
export const endsWith = ([text, part]: Two): RowFunction => lift2<string, string>(text, part, (a, b) => a.endsWith(b))
export const contains = ([text, part]: Two): RowFunction => lift2<string, string>(text, part, (a, b) => a.includes(b))
export const concat = ([text, other]: Two): RowFunction => lift2<string, string>(text, other, (a, b) => a + b)

/** A loop, since a regular expression tries the end of the text at every run of spaces within it. */
function withoutSpaces(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && text[start] === ' ') start++
  while (end > start && text[end - 1] === ' ') end--
  return text.slice(start, end)
}

/** Code units less the second halves of surrogate pairs. */
function codePoints(text: string): number {
  let count = text.length
  for (let index = 0; index < text.length; index++) if ((text.charCodeAt(index) & 0xfc00) === 0xdc00) count--
  return count
}
