import type { TypeData } from '../schema/index.ts'

const isText = ({ kind }: TypeData) => kind === 'string' || kind === 'oneOf'

/** Whether equal values of both types are one key: texts are, numbers of unlike kinds or scales are not. */
export const isLikeKey = (a: TypeData, b: TypeData): boolean => (isText(a) && isText(b)) || (a.kind === b.kind && a.scale === b.scale)

/** The kind of a key's type, with what tells it from others of its kind. */
export const keyKind = ({ kind, precision, scale }: TypeData): string => (kind === 'decimal' ? `decimal(${precision}, ${scale})` : kind)
