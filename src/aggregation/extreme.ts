import { type Cell, cellComparator, cellDecoder, cellEncoder } from '../schema/index.ts'
import type { Aggregate, AggregateFunction } from './aggregate.ts'
import { plainCell } from './plain-cell.ts'
import { oneInput, readParameters, scalarKinds } from './signature.ts'

/** Up to so many are looked through faster than a tree of them is made. */
const fewValues = 32

/** `minimum` and `maximum`: the state is the value itself, null of nothing. `sign` is 1 where the larger one wins. */
export function extreme(name: string, sign: 1 | -1): AggregateFunction {
  return {
    name,
    inputs: 1,
    result(inputs, parameters) {
      readParameters(name, {}, parameters)
      return { ...oneInput(name, inputs, scalarKinds), nullable: true }
    },
    create(inputs): Aggregate<Cell> {
      const type = oneInput(name, inputs, scalarKinds)
      const compare = cellComparator(type)
      const encode = cellEncoder(type)
      const decode = cellDecoder(type)
      const better = (a: Cell, b: Cell) => (compare(a, b) * sign >= 0 ? a : b)
      const best = (state: Cell, value: Cell) => (state === null ? value : value === null ? state : better(state, value))
      const scan = (values: ArrayLike<Cell>) => (low: number, high: number) => {
        let result: Cell = null
        for (let index = low; index < high; index++) result = best(result, values[index] as Cell)
        return plainCell(result)
      }
      const tree: Cell[] = []
      let leaves = 0
      const between = (low: number, high: number) => {
        let result: Cell = null
        for (let from = low + leaves, to = high + leaves; from < to; from >>= 1, to >>= 1) {
          if ((from & 1) === 1) result = best(result, tree[from++] as Cell)
          if ((to & 1) === 1) result = best(result, tree[--to] as Cell)
        }
        return plainCell(result)
      }
      return {
        zero: () => null,
        add: (state, value) => best(state, value),
        merge: best,
        finish: plainCell,
        encode(state, writer) {
          writer.byte(Number(state !== null))
          if (state !== null) encode(state, writer)
        },
        decode: (reader) => (reader.byte() === 1 ? decode(reader) : null),
        /** A binary tree in one array: node n holds the best of nodes 2n and 2n + 1, the values begin at `count`. Few need none. */
        ranges(values, count) {
          if (count <= fewValues) return scan(values)
          leaves = count
          // The first half is overwritten below; writing it first lets the array grow without a gap.
          for (let index = 0; index < 2 * count; index++) tree[index] = values[index < count ? index : index - count] as Cell
          for (let node = count - 1; node > 0; node--) tree[node] = better(tree[2 * node] as Cell, tree[2 * node + 1] as Cell)
          return between
        },
      }
    },
  }
}
