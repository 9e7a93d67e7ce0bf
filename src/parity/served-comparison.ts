import { type BatchColumn, cellAt, type Duck, physicalType, quoteIdentifier, transportSql } from '../offline/index.ts'
import type { OutputValue, ViewPlan } from '../plan/index.ts'
import type { Cell, TypeData } from '../schema/index.ts'
import type { FeatureStatus } from '../serving/index.ts'
import { AnswerCodec } from './answers.ts'
import { assembleCells, type ServedCells } from './served-assembly.ts'
import { rowColumns, type ServedLog, servedColumns } from './served-log.ts'

/** A logged row some of whose values are not those of today's history. */
export interface DifferingRow {
  readonly place: number
  readonly readId: string
  /** As of when, and when it was served; microseconds. */
  readonly moment: number
  readonly known: number
  readonly keys: Readonly<Record<string, unknown>>
  readonly request: Readonly<Record<string, unknown>>
  readonly groups: readonly Cell[]
  /** By the places of features in the plan's output. */
  readonly served: ReadonlyMap<number, { readonly cell: Cell; readonly status: FeatureStatus }>
  readonly expected: ServedCells
  /** The places of the features that differ. */
  readonly features: readonly number[]
}

/** Tells whether cells of a view's features are equal: where their bytes are. */
export class CellEquality {
  readonly #codecs: readonly AnswerCodec[]

  constructor({ output }: ViewPlan) {
    this.#codecs = output.map(({ type }) => new AnswerCodec([type]))
  }

  equal(feature: number, a: Cell, b: Cell | undefined): boolean {
    if (b === undefined || (a === null) !== (b === null)) return false
    return a === null || Buffer.compare(this.#bytes(feature, a), this.#bytes(feature, b as Cell)) === 0
  }

  #bytes(feature: number, cell: Cell): Uint8Array {
    return (this.#codecs[feature] as AnswerCodec).pack({ value: () => cell, status: 'PRESENT', eventTime: null }).bytes
  }
}

/** The column of a group's feature in the table of expected values. */
export const expectedColumn = (use: number, feature: number): string => `use${use}_feature${feature}`

/**
 * Compares every logged value with what is computed from the values of groups in the table `expected` (`__place`, and
 * `expectedColumn` of each feature). Gives the rows that differ, and counts values by `compared`.
 */
export async function* differingRows(
  duck: Duck,
  plan: ViewPlan,
  log: ServedLog,
  expected: string,
  compared: (values: number) => void,
): AsyncGenerator<DifferingRow, void, undefined> {
  const equality = new CellEquality(plan)
  const { sql, types } = servedColumns(plan, log, 's')
  const head = Object.keys(rowColumns).length
  const groupColumns = plan.uses.flatMap((use, place) => use.plan.features.map(({ type }, feature) => ({ place, feature, type })))
  const firsts = plan.uses.map((_, place) => types.length + groupColumns.findIndex((column) => column.place === place))
  const groupSql = groupColumns.map(({ place, feature, type }) =>
    transportSql(type, `CAST(e.${quoteIdentifier(expectedColumn(place, feature))} AS ${physicalType(type)})`),
  )
  const all = [...types, ...groupColumns.map(({ type }): TypeData => ({ ...type, nullable: true }))]
  const query = `SELECT ${[sql, ...groupSql].join(', ')} FROM ${log.table} s JOIN ${expected} e USING (__place) ORDER BY s.__place`
  for await (const batch of duck.stream(query, all)) {
    for (let row = 0; row < batch.count; row++) {
      const cell = (column: number): Cell => cellAt(all[column] as TypeData, batch.columns[column] as BatchColumn, row)
      const served = new Map<number, { cell: Cell; status: FeatureStatus }>()
      for (const [index, place] of log.features.entries()) {
        const status = cell(head + 2 * index + 1)
        if (status !== null) served.set(place, { cell: cell(head + 2 * index), status: status as FeatureStatus })
      }
      compared(served.size)
      const request = JSON.parse(cell(5) as string) as Record<string, unknown>
      const groupCell = (use: number, feature: number) => cell((firsts[use] as number) + feature)
      const found = assembleCells(plan, [...served.keys()], groupCell, request)
      const features = [...served].flatMap(([place, { cell: own, status }]) =>
        (status === 'FAILED' && found[place] === undefined) || equality.equal(place, own, found[place]) ? [] : [place],
      )
      if (features.length === 0) continue
      yield {
        place: cell(0) as number,
        readId: cell(1) as string,
        moment: cell(2) as number,
        known: cell(3) as number,
        keys: JSON.parse(cell(4) as string) as Record<string, unknown>,
        request,
        groups: cell(6) as readonly Cell[],
        served,
        expected: found,
        features,
      }
    }
  }
}

/** The uses of groups that a feature of the view comes from, by their places. */
export const usesOf = (plan: ViewPlan, feature: number): readonly number[] => originsOf(plan, feature).uses

/** The uses of groups and the on-demand steps that a feature of the view comes from, by their places. */
export function originsOf(plan: ViewPlan, feature: number): { readonly uses: readonly number[]; readonly steps: readonly number[] } {
  const [uses, steps] = [new Set<number>(), new Set<number>()]
  const visit = ({ source }: Pick<OutputValue, 'source'>): void => {
    if (source.from === 'group') uses.add(source.use)
    else if (!steps.has(source.step)) {
      steps.add(source.step)
      plan.steps[source.step]?.known.forEach(visit)
    }
  }
  visit(plan.output[feature] as OutputValue)
  return { uses: [...uses].sort((a, b) => a - b), steps: [...steps] }
}
