import { FeatureGroup, type FeatureGroupData, featureView } from '../definition/index.ts'
import { momentMicros } from '../lib/moment.ts'
import type { OnlineStore } from '../online/index.ts'
import type { FeaturePlan } from '../plan/index.ts'
import { type Cell, fromCell, type TypeData, toCell } from '../schema/index.ts'
import { type FeatureState, type LiveSource, type Vector, ViewReader } from '../serving/index.ts'
import type { Answer, AnswerStatus } from './answers.ts'

/** Answers of the read path: the vectors that a view of the group alone gives, read from a store without waiting. */
export class VectorAnswers {
  readonly #reader: ViewReader
  readonly #features: readonly FeaturePlan[]
  readonly #keys: readonly Readonly<Record<string, unknown>>[]

  private constructor(reader: ViewReader, features: readonly FeaturePlan[], keys: readonly Readonly<Record<string, unknown>>[]) {
    this.#reader = reader
    this.#features = features
    this.#keys = keys
  }

  static async open(
    group: FeatureGroupData,
    features: readonly FeaturePlan[],
    keys: readonly (readonly Cell[])[],
    store: OnlineStore,
    live?: LiveSource,
  ): Promise<VectorAnswers> {
    const view = featureView({ name: 'parity', features: [new FeatureGroup(group)] })
    const entity = Object.entries<TypeData>(group.entity.keys)
    const rows = keys.map((cells) => Object.fromEntries(entity.map(([name, type], place) => [name, fromCell(type, cells[place] as Cell)])))
    return new VectorAnswers(await ViewReader.open(view, store, live ? { live } : {}), features, rows)
  }

  answer(key: number, q: number): Answer {
    const [vector] = this.#reader.readSync([this.#keys[key] as Readonly<Record<string, unknown>>], noRequest, q)
    return answerOf(vector as Vector, this.#features)
  }
}

const noRequest = [{}]

/** A vector as an answer; each feature tells the status of its group, or NULL. */
export function answerOf({ values, features: states }: Vector, features: readonly FeaturePlan[]): Answer {
  const { status, eventTime } = states[(features[0] as FeaturePlan).name] as FeatureState
  return {
    value: (feature) => {
      const { name, type } = features[feature] as FeaturePlan
      const value = values[name]
      return value === null ? null : toCell(type, value, name)
    },
    status: status === 'NULL' ? 'PRESENT' : (status as AnswerStatus),
    eventTime: eventTime === null ? null : momentMicros(eventTime),
  }
}
