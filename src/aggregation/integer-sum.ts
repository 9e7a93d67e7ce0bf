import type { ByteReader, ByteWriter } from '../lib/bytes.ts'
import { readBigint, writeBigint } from './bigint-codec.ts'
import { ratioToNumber } from './rational.ts'

/** The sum of a multiset of bigints, with the operations of `ExactSum`. */
export class IntegerSum {
  value = 0n

  add(value: bigint): void {
    this.value += value
  }

  remove(value: bigint): void {
    this.value -= value
  }

  merge(other: IntegerSum): void {
    this.value += other.value
  }

  compare(other: IntegerSum): number {
    return this.value < other.value ? -1 : this.value > other.value ? 1 : 0
  }

  /** The double nearest to the sum over a whole number above 0. */
  dividedBy(divisor: number | bigint): number {
    return ratioToNumber(this.value, BigInt(divisor))
  }

  encode(writer: ByteWriter): void {
    writeBigint(writer, this.value)
  }

  static decode(reader: ByteReader): IntegerSum {
    const sum = new IntegerSum()
    sum.value = readBigint(reader)
    return sum
  }
}
