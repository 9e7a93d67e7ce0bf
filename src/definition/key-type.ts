import type { TypeData } from '../schema/index.ts'

const isText = ({ kind }: TypeData) => kind === 'string' || kind === 'oneOf'

/** Whether equal values of both types are one key: texts are, numbers of unlike kinds or scales are not. */
export const isLikeKey = (a: TypeData, b: TypeData): boolean => (isText(a) && isText(b)) || (a.kind === b.kind && a.scale === b.scale)

/** The kind of a type with its article, for messages; of a decimal with its digits, which tell it from others. */
export function aKind({ kind, precision, scale }: TypeData): string {
  return `${/^[io]/.test(kind) ? 'an' : 'a'} ${kind}${kind === 'decimal' ? `(${precision}, ${scale})` : ''}`
}
