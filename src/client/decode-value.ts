/** The public value of what JSON holds. */
export type DecodeValue = (value: unknown) => unknown

const same: DecodeValue = (value) => value

/** How values of a type are read, by its name as the server tells it: `int64`, `list(float)`, `vector(3)`. */
export function valueDecoder(type: string): DecodeValue {
  const [, kind = type, parameter = ''] = /^(list|vector)\((.*)\)$/.exec(type) ?? []
  switch (kind) {
    case 'int64':
      return orNull((value) => BigInt(value as string))
    case 'float':
      // NaN and infinities stand as texts.
      return orNull(Number)
    case 'vector':
      return orNull((value) => Float32Array.from(value as number[]))
    case 'list': {
      const item = valueDecoder(parameter)
      return item === same ? same : orNull((value) => (value as unknown[]).map(item))
    }
    default:
      return same
  }
}

const orNull =
  (decode: DecodeValue): DecodeValue =>
  (value) =>
    value === null ? null : decode(value)
