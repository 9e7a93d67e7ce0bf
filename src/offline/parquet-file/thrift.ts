import { ByteWriter } from '../../lib/bytes.ts'

/** A value as Thrift's compact protocol writes it: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md. */
export type ThriftValue =
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'i32' | 'i64'; readonly value: number }
  | { readonly kind: 'binary'; readonly value: Uint8Array }
  | { readonly kind: 'list'; readonly values: readonly ThriftValue[] }
  | { readonly kind: 'struct'; readonly fields: ThriftFields }

/** The fields of a struct by their numbers, in ascending order; absent ones are left out. */
export type ThriftFields = Readonly<Record<number, ThriftValue | null>>

export const i32 = (value: number): ThriftValue => ({ kind: 'i32', value })
export const i64 = (value: number): ThriftValue => ({ kind: 'i64', value })
export const boolean = (value: boolean): ThriftValue => ({ kind: 'boolean', value })
export const binary = (value: Uint8Array): ThriftValue => ({ kind: 'binary', value })
export const text = (value: string): ThriftValue => binary(Buffer.from(value))
export const list = (values: readonly ThriftValue[]): ThriftValue => ({ kind: 'list', values })
export const struct = (fields: ThriftFields): ThriftValue => ({ kind: 'struct', fields })

export function thriftBytes(fields: ThriftFields): Uint8Array {
  const writer = new ByteWriter(256)
  writeFields(writer, fields)
  return writer.finish()
}

const codes = { boolean: 1, i32: 5, i64: 6, binary: 8, list: 9, struct: 12 } as const

function writeFields(writer: ByteWriter, fields: ThriftFields): void {
  let last = 0
  for (const [name, value] of Object.entries(fields)) {
    if (value === null) continue
    const id = Number(name)
    // A boolean is its type: 1 is true, 2 is false.
    const code = value.kind === 'boolean' && !value.value ? 2 : codes[value.kind]
    if (id - last > 15) writer.byte(code).unsigned(zigzag(id))
    else writer.byte(((id - last) << 4) | code)
    if (value.kind !== 'boolean') writeValue(writer, value)
    last = id
  }
  writer.byte(0)
}

function writeValue(writer: ByteWriter, value: ThriftValue): void {
  switch (value.kind) {
    case 'boolean':
      writer.byte(value.value ? 1 : 2)
      break
    case 'i32':
    case 'i64':
      writer.unsigned(zigzag(value.value))
      break
    case 'binary':
      writer.bytes(value.value)
      break
    case 'list': {
      const { values } = value
      const code = codes[values[0]?.kind ?? 'i32']
      if (values.length < 15) writer.byte((values.length << 4) | code)
      else writer.byte(0xf0 | code).unsigned(values.length)
      for (const one of values) writeValue(writer, one)
      break
    }
    case 'struct':
      writeFields(writer, value.fields)
  }
}

const zigzag = (value: number): number => (value < 0 ? -2 * value - 1 : 2 * value)
