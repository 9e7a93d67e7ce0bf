import { LockstepError } from '../../../errors.ts'
import { tableFamily } from '../../family.ts'
import type { OnlineRow } from '../../store.ts'
import { slotOf } from './slots.ts'

/** Where rows and texts of tables are found: the names of keys, and in a cluster their slots. */
export class Layout {
  readonly #prefix: string
  readonly #cluster: boolean
  readonly #spread: boolean
  readonly #slots = new Map<string, number>()

  constructor(prefix: string, { cluster, spread }: { readonly cluster: boolean; readonly spread: boolean }) {
    this.#prefix = prefix
    this.#cluster = cluster
    this.#spread = spread
  }

  /** Tells the layout of the whole store; no row and no text has such a key. */
  get marker(): { readonly key: string; readonly text: string } {
    return { key: `${this.#prefix}!`, text: this.#spread ? 'lockstep-1 spread' : 'lockstep-1' }
  }

  /** What the keys of a table's rows begin with. */
  rows(table: string): string {
    return `${this.#base(table)}/`
  }

  /** The key of a table's text. */
  text(table: string): string {
    return `${this.#base(table)}#`
  }

  /** What fits the keys of all rows and texts. No name has a character that means something here. */
  get everything(): string {
    return this.#spread ? `${this.#prefix}|*` : `${this.#prefix}:{*`
  }

  /** Whose row or text stands under a key. */
  tableOf(key: string): string {
    const name = key.slice(this.#prefix.length + 1, key.search(/[/#]/))
    return this.#spread ? name : name.slice(1).replace('}', '')
  }

  /** 0 where there is one server. */
  slot(key: string): number {
    return this.#cluster ? slotOf(Buffer.from(key)) : 0
  }

  /** The slot of a key of the table; that of all of them unless rows are spread. */
  slotIn(table: string, key: string): number {
    if (this.#spread || !this.#cluster) return this.slot(key)
    const slot = this.#slots.get(table) ?? this.slot(key)
    this.#slots.set(table, slot)
    return slot
  }

  /** What stands between brackets decides about the slot. */
  #base(table: string): string {
    if (this.#spread) return `${this.#prefix}|${table}`
    const family = tableFamily(table)
    return `${this.#prefix}:{${family}}${table.slice(family.length)}`
  }
}

/** Bytes as a text of one character each. The client writes it as UTF-8, which takes a second byte for those above 127. */
export const byteText = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
export const textBytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'))

/** Records one after the other, each behind its length: the length of the version, the version and the value. */
export function packRecords(rows: readonly OnlineRow[]): Buffer {
  const packed = Buffer.allocUnsafe(rows.reduce((sum, { version, value }) => sum + 6 + version.length + value.length, 0))
  let at = 0
  for (const { version, value } of rows) {
    at = packed.writeUInt32BE(2 + version.length + value.length, at)
    at = packed.writeUInt16BE(version.length, at)
    packed.set(version, at)
    packed.set(value, at + version.length)
    at += version.length + value.length
  }
  return packed
}

export function recordValue(record: Buffer): Uint8Array {
  const start = valueStart(record)
  return new Uint8Array(record.buffer, record.byteOffset + start, record.length - start)
}

export function recordVersion(record: Buffer): Uint8Array {
  return new Uint8Array(record.buffer, record.byteOffset + 2, valueStart(record) - 2)
}

function valueStart(record: Buffer): number {
  const start = 2 + (record[0] ?? 0) * 256 + (record[1] ?? 0)
  if (start > record.length) throw new LockstepError('STORE_CORRUPT', 'A key of the online store in Redis holds what is no row')
  return start
}
