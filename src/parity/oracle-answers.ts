import { effectiveMoment, type FeatureGroupData } from '../definition/index.ts'
import type { SourceRow } from '../offline/index.ts'
import { type KeyRows, keyRows, oracleValues, rowsUntil } from '../oracle/index.ts'
import type { FeaturePlan } from '../plan/index.ts'
import type { Cell } from '../schema/index.ts'
import type { Answer } from './answers.ts'
import type { GroupRows } from './group-rows.ts'

/** Answers by the rules of time alone; it looks at every row of the key, each time. */
export class OracleAnswers {
  readonly #group: FeatureGroupData
  readonly #features: readonly FeaturePlan[]
  readonly #rows: GroupRows
  readonly #names: readonly string[]
  readonly #rowsOfKeys: readonly SourceRow[][]
  readonly #prepared = new Map<number, KeyRows>()

  constructor(group: FeatureGroupData, features: readonly FeaturePlan[], rows: GroupRows) {
    this.#group = group
    this.#features = features
    this.#rows = rows
    this.#names = Object.keys(group.entity.keys)
    const rowsOfKeys: SourceRow[][] = rows.keys.map(() => [])
    for (const [place, row] of rows.rows.entries()) (rowsOfKeys[rows.keyOf[place] as number] as SourceRow[]).push(row)
    this.#rowsOfKeys = rowsOfKeys
  }

  /** How many rows an answer looks at. */
  cost(key: number): number {
    return (this.#rowsOfKeys[key] as SourceRow[]).length
  }

  answer(key: number, q: number): Answer {
    const cells = this.#rows.keys[key] as readonly Cell[]
    const named = Object.fromEntries(this.#names.map((name, place) => [name, cells[place] as Cell]))
    // Those after the moment itself need not be looked at, and neither need those after the tick that stands for it.
    const rows = rowsUntil(this.#prepare(key), effectiveMoment(this.#group.refresh, q))
    const { values, status } = oracleValues(this.#group, rows, named, q)
    return { value: (feature) => values[(this.#features[feature] as FeaturePlan).name] ?? null, status, eventTime: undefined }
  }

  #prepare(key: number): KeyRows {
    const prepared = this.#prepared.get(key) ?? keyRows(this.#group.source, this.#rowsOfKeys[key] as SourceRow[])
    this.#prepared.set(key, prepared)
    return prepared
  }
}
