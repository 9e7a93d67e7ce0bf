import type { StateBase } from '../plan/index.ts'
import type { Chain } from './event-arena.ts'

/** What stands in a record, in units of four bytes; a record is a cache line. */
const head = 0
const tail = 1
const count = 2
const shared = 3
const flags = 4
const mark = 5
const recordInts = 16
/** In units of eight bytes. */
const openFrom = 3
const horizon = 4
const foldedUntil = 5
/** In bytes. */
const seal = 48

export const recordBytes = recordInts * 4
export const sealBytes = 16

const skipMask = 3
const changed = 4
const taken = 8
const wanted = 16
const sealed = 32
const touched = 64
const large = 128
const used = 256

const pageBits = 10
const pageRecords = 1 << pageBits

interface Page {
  readonly ints: Int32Array<ArrayBuffer>
  readonly floats: Float64Array<ArrayBuffer>
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** What is known of each key besides its events: a record of 64 bytes, read and written one at a time. */
export class KeyRecords implements Chain {
  readonly #pages: Page[] = []
  readonly #free: number[] = []
  #made = 0
  #ints = new Int32Array(recordInts)
  #floats = new Float64Array(recordInts / 2)
  #bytes = new Uint8Array(recordInts * 4)
  #at = 0

  /** A new record, at hand; its place. */
  add(): number {
    const place = this.#free.pop() ?? this.#made++
    if (place >>> pageBits === this.#pages.length) {
      const buffer = new ArrayBuffer(pageRecords * recordInts * 4)
      this.#pages.push({ ints: new Int32Array(buffer), floats: new Float64Array(buffer), bytes: new Uint8Array(buffer) })
    }
    this.seek(place)
    this.#ints.fill(0, this.#at, this.#at + recordInts)
    this.#set(used, true)
    return place
  }

  /** Lets go of the record at hand, which is at this place. */
  remove(place: number): void {
    this.#set(used, false)
    this.#free.push(place)
  }

  /** All records are at places below this. */
  get end(): number {
    return this.#made
  }

  get isUsed(): boolean {
    return this.#has(used)
  }

  /** Takes the record at a place to hand. */
  seek(place: number): this {
    const page = this.#pages[place >>> pageBits] as Page
    this.#ints = page.ints
    this.#floats = page.floats
    this.#bytes = page.bytes
    this.#at = (place & (pageRecords - 1)) * recordInts
    return this
  }

  get head(): number {
    return (this.#ints[this.#at + head] as number) >>> 0
  }
  set head(value: number) {
    this.#ints[this.#at + head] = value
  }

  get tail(): number {
    return (this.#ints[this.#at + tail] as number) >>> 0
  }
  set tail(value: number) {
    this.#ints[this.#at + tail] = value
  }

  get count(): number {
    return this.#ints[this.#at + count] as number
  }
  set count(value: number) {
    this.#ints[this.#at + count] = value
  }

  get skip(): number {
    return (this.#ints[this.#at + flags] as number) & skipMask
  }
  set skip(value: number) {
    this.#ints[this.#at + flags] = ((this.#ints[this.#at + flags] as number) & ~skipMask) | value
  }

  /** How many events, from the first on, are as in the sealed row. */
  get shared(): number {
    return this.#ints[this.#at + shared] as number
  }
  set shared(value: number) {
    this.#ints[this.#at + shared] = value
  }

  /** The last chunk of the shared events, where it is known; else 0. */
  get mark(): number {
    return (this.#ints[this.#at + mark] as number) >>> 0
  }
  set mark(value: number) {
    this.#ints[this.#at + mark] = value
  }

  /** Has changed since its rows were taken. */
  get changed(): boolean {
    return this.#has(changed)
  }
  set changed(value: boolean) {
    this.#set(changed, value)
  }

  /** Its rows were taken, and are not known to be stored. */
  get taken(): boolean {
    return this.#has(taken)
  }
  set taken(value: boolean) {
    this.#set(taken, value)
  }

  /** Was brought to be applied to or read. */
  get wanted(): boolean {
    return this.#has(wanted)
  }
  set wanted(value: boolean) {
    this.#set(wanted, value)
  }

  /** Was used since the clock came by. */
  get touched(): boolean {
    return this.#has(touched)
  }
  set touched(value: boolean) {
    this.#set(touched, value)
  }

  /** Has too many events for a chain. */
  get large(): boolean {
    return this.#has(large)
  }
  set large(value: boolean) {
    this.#set(large, value)
  }

  get openFrom(): number {
    return this.#floats[(this.#at >>> 1) + openFrom] as number
  }

  /** All but the baselines. */
  get base(): Omit<StateBase, 'baselines'> {
    const at = this.#at >>> 1
    const until = this.#floats[at + foldedUntil] as number
    return {
      horizon: this.#floats[at + horizon] as number,
      openFrom: this.#floats[at + openFrom] as number,
      foldedUntil: Number.isNaN(until) ? null : until,
    }
  }
  set base(base: Omit<StateBase, 'baselines'>) {
    const at = this.#at >>> 1
    this.#floats[at + horizon] = base.horizon
    this.#floats[at + openFrom] = base.openFrom
    this.#floats[at + foldedUntil] = base.foldedUntil ?? Number.NaN
  }

  /** Whether it has a sealed row. */
  get isSealed(): boolean {
    return this.#has(sealed)
  }

  /** What its sealed row was sealed under. */
  get seal(): Uint8Array {
    const at = this.#at * 4 + seal
    return this.#bytes.subarray(at, at + sealBytes)
  }
  set seal(value: Uint8Array) {
    this.#set(sealed, true)
    this.#bytes.set(value, this.#at * 4 + seal)
  }

  #has(flag: number): boolean {
    return ((this.#ints[this.#at + flags] as number) & flag) !== 0
  }

  #set(flag: number, value: boolean): void {
    const before = this.#ints[this.#at + flags] as number
    this.#ints[this.#at + flags] = value ? before | flag : before & ~flag
  }
}
