import type { ByteReader, ByteWriter } from '../lib/bytes.ts'
import type { Cell, TypeData } from '../schema/index.ts'
import type { Aggregate } from './aggregate.ts'
import { ExactSum } from './exact-sum.ts'
import { IntegerSum } from './integer-sum.ts'

/** The exact sum of the cells of a numeric column: `IntegerSum` for int64, `ExactSum` for all others. */
export interface Total {
  add(value: Cell): void
  remove(value: Cell): void
  merge(other: Total): void
  /** By the exact sums. */
  compare(other: Total): number
  /** The double nearest to the sum over a whole number above 0. */
  dividedBy(divisor: number | bigint): number
  encode(writer: ByteWriter): void
}

export interface TotalKind<T extends Total = Total> {
  new (): T
  decode(reader: ByteReader): T
}

export function totalOf({ kind }: TypeData): TotalKind {
  return kind === 'int64' ? IntegerSum : ExactSum
}

/** The algebra of an aggregate whose state is a total. */
export function totalling<T extends Total>(kind: TotalKind<T>): Omit<Required<Aggregate<T>>, 'finish' | 'ranges' | 'rangesAtOnce'> {
  return {
    zero: () => new kind(),
    add(state, value) {
      state.add(value)
      return state
    },
    remove(state, value) {
      state.remove(value)
      return state
    },
    merge(state, other) {
      state.merge(other)
      return state
    },
    encode: (state, writer) => state.encode(writer),
    decode: (reader) => kind.decode(reader),
  }
}
