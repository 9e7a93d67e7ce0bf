import type { ByteReader, ByteWriter } from '../lib/bytes.ts'

/** 1 / (2 ln 2). */
const alpha = 0.7213475204444817

/**
 * The registers of HyperLogLog (P. Flajolet, E. Fusy, O. Gandouet, F. Meunier, 2007) over hashes of 64 bits: each keeps
 * the largest rank that it has seen. Few of them are kept in a map, many in an array; nothing else is state.
 */
export class Registers {
  readonly #precision: number
  #few: Map<number, number> | null = new Map()
  #all = new Uint8Array(0)

  constructor(precision: number) {
    this.#precision = precision
  }

  /** Takes a hash: its first bits choose the register, the number of zeros that follow them, plus one, is the rank. */
  add(upper: number, lower: number): void {
    const precision = this.#precision
    const rest = (upper << precision) >>> 0
    const rank = rest === 0 ? Math.clz32(lower) + 33 - precision : Math.clz32(rest) + 1
    this.#raise(upper >>> (32 - precision), rank)
  }

  #raise(register: number, rank: number): void {
    const few = this.#few
    if (few === null) {
      if (rank > (this.#all[register] as number)) this.#all[register] = rank
      return
    }
    if (rank > (few.get(register) ?? 0)) few.set(register, rank)
    if (few.size <= 2 ** this.#precision / 32) return
    this.#all = new Uint8Array(2 ** this.#precision)
    for (const [place, value] of few) this.#all[place] = value
    this.#few = null
  }

  merge(other: Registers): void {
    for (const [register, rank] of other.#used()) this.#raise(register, rank)
  }

  /** The registers above 0, with their ranks, in rising order. */
  #used(): [number, number][] {
    if (this.#few !== null) return [...this.#few].sort(([a], [b]) => a - b)
    const used: [number, number][] = []
    this.#all.forEach((rank, register) => {
      if (rank > 0) used.push([register, rank])
    })
    return used
  }

  /**
   * The improved raw estimator (O. Ertl, "New cardinality estimation algorithms for HyperLogLog sketches", 2017,
   * algorithm 6): no bias correction, no change of method, and of mathematics only + - * / and square roots.
   */
  estimate(): number {
    const registers = 2 ** this.#precision
    const longest = 64 - this.#precision
    const counts = new Float64Array(longest + 2)
    for (const rank of this.#few?.values() ?? this.#all) counts[rank] = (counts[rank] as number) + 1
    if (this.#few !== null) counts[0] = registers - this.#few.size
    let z = registers * tau(1 - (counts[longest + 1] as number) / registers)
    for (let rank = longest; rank >= 1; rank--) z = 0.5 * (z + (counts[rank] as number))
    z += registers * sigma((counts[0] as number) / registers)
    return (alpha * registers * registers) / z
  }

  /** Canonical: as a list of the used registers, or all of them, whichever the number of used ones makes shorter. */
  encode(writer: ByteWriter): void {
    const used = this.#used()
    const isShort = used.length * 3 < 2 ** this.#precision
    writer.byte(Number(isShort))
    if (isShort) {
      writer.unsigned(used.length)
      for (const [register, rank] of used) writer.unsigned(register).byte(rank)
    } else writer.raw(this.#all)
  }

  static decode(reader: ByteReader, precision: number): Registers {
    const registers = new Registers(precision)
    if (reader.byte() === 1) {
      for (let rest = reader.unsigned(); rest > 0; rest--) registers.#raise(reader.unsigned(), reader.byte())
    } else {
      registers.#few = null
      registers.#all = new Uint8Array(reader.raw(2 ** precision))
    }
    return registers
  }
}

/** x + sum of x^(2^k) * 2^(k - 1) for k from 1: what empty registers add. Infinite at 1. */
function sigma(start: number): number {
  if (start === 1) return Infinity
  let x = start
  let y = 1
  let z = x
  for (let before = -1; z !== before; y *= 2) {
    before = z
    x *= x
    z += x * y
  }
  return z
}

/** (1 - x - sum of (1 - x^(2^-k))^2 * 2^-k for k from 1) / 3: what full registers add. */
function tau(start: number): number {
  if (start === 0 || start === 1) return 0
  let x = start
  let y = 1
  let z = 1 - x
  for (let before = -1; z !== before; ) {
    before = z
    x = Math.sqrt(x)
    y *= 0.5
    z -= (1 - x) * (1 - x) * y
  }
  return z / 3
}
