import { ByteWriter } from '../lib/bytes.ts'
import { cellEncoder } from '../schema/index.ts'
import type { Aggregate, AggregateFunction } from './aggregate.ts'
import { murmur3 } from './murmur3.ts'
import { Registers } from './registers.ts'
import { type NumberParameter, oneInput, readParameters, scalarKinds } from './signature.ts'

const known: Readonly<Record<'precision', NumberParameter>> = { precision: { minimum: 4, maximum: 18, whole: true, otherwise: 12 } }

/** How many different values, with a standard error of about 1.04 / sqrt(2^precision), in at most 2^precision bytes. */
export const countDistinctApproximate: AggregateFunction = {
  name: 'countDistinctApproximate',
  inputs: 1,
  result(inputs, parameters) {
    oneInput('countDistinctApproximate', inputs, scalarKinds)
    readParameters('countDistinctApproximate', known, parameters)
    return { kind: 'integer', nullable: false }
  },
  create(inputs, parameters): Aggregate<Registers> {
    const type = oneInput('countDistinctApproximate', inputs, scalarKinds)
    const { precision } = readParameters('countDistinctApproximate', known, parameters)
    // The text of a oneOf, as the place of a value among those declared may change.
    const encode = cellEncoder(type.kind === 'oneOf' ? { kind: 'string', nullable: false } : type)
    const writer = new ByteWriter()
    const hash = new Uint32Array(4)
    return {
      zero: () => new Registers(precision),
      add(state, value) {
        encode(value, writer.clear())
        murmur3(writer.finish(), 0, hash)
        state.add(hash[0] as number, hash[1] as number)
        return state
      },
      merge(state, other) {
        state.merge(other)
        return state
      },
      finish: (state) => Math.round(state.estimate()),
      encode: (state, out) => state.encode(out),
      decode: (reader) => Registers.decode(reader, precision),
    }
  },
}
