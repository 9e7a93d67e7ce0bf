import { LockstepError } from '../../errors.ts'
import { dateDays, type Moment, momentMicros } from '../../lib/moment.ts'
import type { AvroLogical, AvroRecord, AvroType } from './avro-schema.ts'

/** Writes a value of a type, which stands at `where` in the payload. */
export type AvroWrite = (output: AvroOutput, value: unknown, where: string) => void

export class AvroOutput {
  #bytes = Buffer.allocUnsafe(256)
  #length = 0

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  #room(length: number): number {
    const start = this.#length
    this.#length += length
    if (this.#length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#length, this.#bytes.length * 2))
      this.#bytes.copy(larger, 0, 0, start)
      this.#bytes = larger
    }
    return start
  }

  byte(value: number): void {
    const start = this.#room(1)
    this.#bytes[start] = value
  }

  raw(bytes: Uint8Array): void {
    const start = this.#room(bytes.length)
    this.#bytes.set(bytes, start)
  }

  int32(value: number): void {
    const start = this.#room(4)
    this.#bytes.writeInt32BE(value, start)
  }

  long(value: number | bigint): void {
    const big = BigInt(value)
    let rest = BigInt.asUintN(64, (big << 1n) ^ (big >> 63n))
    for (; rest > 0x7fn; rest >>= 7n) this.byte(Number(rest & 0x7fn) | 0x80)
    this.byte(Number(rest))
  }

  blob(bytes: Uint8Array): void {
    this.long(bytes.length)
    this.raw(bytes)
  }

  float(value: number): void {
    const start = this.#room(4)
    this.#bytes.writeFloatLE(value, start)
  }

  double(value: number): void {
    const start = this.#room(8)
    this.#bytes.writeDoubleLE(value, start)
  }
}

const misfit = (value: unknown, where: string, what: string): LockstepError =>
  new LockstepError('INVALID_VALUE', `${typeof value === 'string' ? JSON.stringify(value) : String(value)} is no ${what}`, { where })

/**
 * Compiles the writer of a type once: takes what the reader gives. A field that is missing has its default, or null where it may be
 * null. Of a union the first branch counts that can hold the value.
 */
export function avroWriter(type: AvroType, known = new Map<AvroRecord, AvroWrite>()): AvroWrite {
  switch (type.kind) {
    case 'null':
      return (_output, value, where) => {
        if (value !== null && value !== undefined) throw misfit(value, where, 'null')
      }
    case 'boolean':
      return (output, value, where) => {
        if (typeof value !== 'boolean') throw misfit(value, where, 'boolean')
        output.byte(value ? 1 : 0)
      }
    case 'int':
      return wholeWriter(type.logical, 32)
    case 'long':
      return wholeWriter(type.logical, 64)
    case 'float':
      return (output, value, where) => output.float(numberOf(value, where))
    case 'double':
      return (output, value, where) => output.double(numberOf(value, where))
    case 'string':
      return (output, value, where) => {
        if (typeof value !== 'string' || !value.isWellFormed()) throw misfit(value, where, 'text')
        output.blob(Buffer.from(value))
      }
    case 'bytes': {
      const { logical } = type
      return (output, value, where) => output.blob(bytesOf(value, logical, undefined, where))
    }
    case 'fixed': {
      const { logical, size } = type
      return (output, value, where) => output.raw(bytesOf(value, logical, size, where))
    }
    case 'enum':
      return (output, value, where) => {
        const index = type.symbols.indexOf(value as string)
        if (index < 0) throw misfit(value, where, `one of ${type.symbols.join(', ')}`)
        output.long(index)
      }
    case 'union':
      return unionWriter(type.branches, known)
    case 'array':
      return arrayWriter(avroWriter(type.items, known))
    case 'map':
      return mapWriter(avroWriter(type.values, known))
    case 'record':
      return recordWriter(type, known)
  }
}

function numberOf(value: unknown, where: string): number {
  if (typeof value !== 'number') throw misfit(value, where, 'number')
  return value
}

function wholeWriter(logical: AvroLogical | null, bits: number): AvroWrite {
  return (output, value, where) => {
    const whole = logical === null ? value : underlyingWhole(logical, value, where)
    const fits = typeof whole === 'bigint' ? BigInt.asIntN(bits, whole) === whole : Number.isSafeInteger(whole)
    if (!fits || (bits === 32 && BigInt.asIntN(32, BigInt(whole as number)) !== BigInt(whole as number))) {
      throw misfit(value, where, `whole number of ${bits} bits`)
    }
    output.long(whole as number | bigint)
  }
}

function underlyingWhole(logical: AvroLogical, value: unknown, where: string): number | bigint {
  if (logical.name === 'date') return dateDays(typeof value === 'string' ? value : String(value), where)
  if (logical.name !== 'timestamp') throw misfit(value, where, logical.name)
  const micros = momentMicros(value as Moment, where)
  const scaled = BigInt(micros) * BigInt(logical.perSecond)
  if (scaled % 1_000_000n !== 0n) throw misfit(value, where, 'moment of that precision')
  return scaled / 1_000_000n
}

function bytesOf(value: unknown, logical: AvroLogical | null, size: number | undefined, where: string): Uint8Array {
  if (logical?.name === 'decimal') return decimalBytes(value, logical.scale, size, where)
  const bytes = logical?.name === 'uuid' && typeof value === 'string' ? Buffer.from(value.replaceAll('-', ''), 'hex') : value
  if (!(bytes instanceof Uint8Array)) throw misfit(value, where, 'bytes')
  if (size !== undefined && bytes.length !== size) throw misfit(value, where, `${size} bytes`)
  return bytes
}

function decimalBytes(value: unknown, scale: number, size: number | undefined, where: string): Uint8Array {
  const match = /^([+-]?)(\d+)(?:\.(\d+))?$/.exec(String(value))
  const fraction = (match?.[3] ?? '').replace(/0+$/, '')
  if (match === null || fraction.length > scale) throw misfit(value, where, `decimal with ${scale} digits behind the point`)
  const digits = BigInt((match[2] ?? '') + fraction.padEnd(scale, '0'))
  const unscaled = match[1] === '-' ? -digits : digits
  let length = size ?? 1
  while (size === undefined && BigInt.asIntN(length * 8, unscaled) !== unscaled) length++
  if (BigInt.asIntN(length * 8, unscaled) !== unscaled) throw misfit(value, where, `decimal of ${length} bytes`)
  return Buffer.from(
    BigInt.asUintN(length * 8, unscaled)
      .toString(16)
      .padStart(length * 2, '0'),
    'hex',
  )
}

function unionWriter(branches: readonly AvroType[], known: Map<AvroRecord, AvroWrite>): AvroWrite {
  const writers = branches.map((branch) => avroWriter(branch, known))
  const hasDouble = branches.some(({ kind }) => kind === 'double')
  return (output, value, where) => {
    for (const [index, write] of writers.entries()) {
      if (hasDouble && branches[index]?.kind === 'float' && !Object.is(Math.fround(Number(value)), value)) continue
      const attempt = new AvroOutput()
      attempt.long(index)
      try {
        write(attempt, value, where)
      } catch (error) {
        if (error instanceof LockstepError) continue
        throw error
      }
      output.raw(attempt.bytes)
      return
    }
    throw misfit(value, where, `value of the union of ${branches.map(({ kind }) => kind).join(', ')}`)
  }
}

function arrayWriter(write: AvroWrite): AvroWrite {
  return (output, value, where) => {
    if (!Array.isArray(value)) throw misfit(value, where, 'array')
    if (value.length > 0) output.long(value.length)
    for (const [index, item] of value.entries()) write(output, item, `${where}[${index}]`)
    output.long(0)
  }
}

function mapWriter(write: AvroWrite): AvroWrite {
  return (output, value, where) => {
    if (typeof value !== 'object' || value === null) throw misfit(value, where, 'object')
    const entries = Object.entries(value)
    if (entries.length > 0) output.long(entries.length)
    for (const [name, item] of entries) {
      output.blob(Buffer.from(name))
      write(output, item, `${where}.${name}`)
    }
    output.long(0)
  }
}

function recordWriter(type: AvroRecord, known: Map<AvroRecord, AvroWrite>): AvroWrite {
  const before = known.get(type)
  if (before !== undefined) return before
  const fields: { readonly name: string; readonly write: AvroWrite; readonly missing: Uint8Array | null }[] = []
  const write: AvroWrite = (output, value, where) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw misfit(value, where, 'object')
    for (const field of fields) {
      const own = (value as Readonly<Record<string, unknown>>)[field.name]
      if (own === undefined && field.missing !== null) output.raw(field.missing)
      else field.write(output, own, where === '' ? field.name : `${where}.${field.name}`)
    }
  }
  known.set(type, write)
  for (const { name, type: own, default: missing } of type.fields) {
    fields.push({ name, write: avroWriter(own, known), missing: missing === undefined ? null : defaultBytes(own, missing, known) })
  }
  return write
}

/** A default is written in the schema without regard to logical types, bytes as a text of their codes; that of a union is of its first branch. */
function defaultBytes(type: AvroType, value: unknown, known: Map<AvroRecord, AvroWrite>): Uint8Array {
  const output = new AvroOutput()
  const chosen = type.kind === 'union' ? type.branches[0] : type
  if (type.kind === 'union') output.long(0)
  if (chosen === undefined) return output.bytes
  const plain = 'logical' in chosen ? { ...chosen, logical: null } : chosen
  const bytes = (plain.kind === 'bytes' || plain.kind === 'fixed') && typeof value === 'string'
  avroWriter(plain, known)(output, bytes ? Buffer.from(value, 'latin1') : value, 'default')
  return output.bytes
}
