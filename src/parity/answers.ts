import { ByteReader, ByteWriter } from '../lib/bytes.ts'
import { type Cell, type CellDecoder, type CellEncoder, cellDecoder, cellEncoder, type TypeData } from '../schema/index.ts'

export type AnswerStatus = 'PRESENT' | 'NOT_FOUND' | 'STALE'

/** What a path says of a key at a moment. A status stands for the group: NULL is PRESENT here. */
export interface Answer {
  /** The cell of the feature at this place of the plan. */
  value(feature: number): Cell
  readonly status: AnswerStatus
  /** Microseconds; null where there is none, undefined where the path does not say. */
  readonly eventTime: number | null | undefined
}

/** An answer as bytes: the cells of all features, one after the other, each in its canonical encoding. */
export interface PackedAnswer {
  readonly bytes: Uint8Array
  /** Where each feature ends in the bytes. */
  readonly ends: readonly number[]
  readonly status: AnswerStatus
  readonly eventTime: number | null | undefined
}

/** Packs and unpacks answers of a group: cells are equal exactly where their bytes are. */
export class AnswerCodec {
  readonly features: number
  readonly #encoders: readonly CellEncoder[]
  readonly #decoders: readonly CellDecoder[]
  readonly #writer = new ByteWriter()

  constructor(types: readonly TypeData[]) {
    const nullable = types.map((type) => ({ ...type, nullable: true }))
    this.features = types.length
    this.#encoders = nullable.map(cellEncoder)
    this.#decoders = nullable.map(cellDecoder)
  }

  pack(answer: Answer): PackedAnswer {
    const writer = this.#writer.clear()
    const ends: number[] = []
    for (let feature = 0; feature < this.features; feature++) {
      const encode = this.#encoders[feature] as CellEncoder
      encode(answer.value(feature), writer)
      ends.push(writer.length)
    }
    return { bytes: writer.finish(), ends, status: answer.status, eventTime: answer.eventTime }
  }

  cell({ bytes, ends }: PackedAnswer, feature: number): Cell {
    const decode = this.#decoders[feature] as CellDecoder
    return decode(new ByteReader(bytes.subarray(feature === 0 ? 0 : ends[feature - 1], ends[feature])))
  }
}

/** The places of the features in which two answers differ; all of them where the statuses or event times do. */
export function differences(a: PackedAnswer, b: PackedAnswer): readonly number[] {
  const sameState = a.status === b.status && (a.eventTime === b.eventTime || a.eventTime === undefined || b.eventTime === undefined)
  if (!sameState) return a.ends.map((_, feature) => feature)
  if (sameBytes(a.bytes, 0, a.bytes.length, b.bytes, 0, b.bytes.length)) return none
  return a.ends.flatMap((end, feature) => {
    const [from, other] = feature === 0 ? [0, 0] : [a.ends[feature - 1] as number, b.ends[feature - 1] as number]
    return sameBytes(a.bytes, from, end, b.bytes, other, b.ends[feature] as number) ? [] : [feature]
  })
}

const none: readonly number[] = []

function sameBytes(a: Uint8Array, from: number, end: number, b: Uint8Array, other: number, otherEnd: number): boolean {
  if (end - from !== otherEnd - other) return false
  for (let at = from, to = other; at < end; at++, to++) if (a[at] !== b[to]) return false
  return true
}
