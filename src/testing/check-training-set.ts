import { isDeepStrictEqual } from 'node:util'
import { type AnyView, type FeatureGroupData, type History, OnDemand, type Selection, selectionsOf } from '../definition/index.ts'
import { momentMicros } from '../lib/moment.ts'
import { Duck, sourceRows } from '../offline/index.ts'
import { type KeyRows, keyRows, type OracleRow, oracleValues, rowsUntil } from '../oracle/index.ts'
import { type Cell, fromCell, type TypeData, toCell } from '../schema/index.ts'

export interface CheckOptions {
  /** As the training set was built. */
  readonly asKnown?: boolean
  readonly history?: Readonly<Record<string, History>>
  /** The label column with the moment, `at` by default. */
  readonly moment?: string
  /** Which rows to check, by their place from 0; all by default. */
  readonly only?: (row: number) => boolean
  /** Called after each row that was checked, with the number of these so far. */
  readonly progress?: (rows: number) => void
}

export interface TrainingSetCheck {
  /** Rows and values that were compared with the oracle's. */
  readonly rows: number
  readonly values: number
  readonly different: readonly Difference[]
}

export interface Difference {
  readonly row: number
  readonly feature: string
  readonly found: unknown
  readonly expected: unknown
}

type Values = Readonly<Record<string, unknown>>

/**
 * Compares the values of a training set with the oracle's, to the bit, and its on-demand values with what their code gives
 * when it is called directly. The label columns must have the names of the view's keys and request values. The oracle looks
 * at every event of a key that may be visible, for every label: the time is that of labels times events of a key.
 */
export async function checkTrainingSet(
  view: AnyView,
  set: AsyncIterable<Values> | Iterable<Values>,
  options: CheckOptions = {},
): Promise<TrainingSetCheck> {
  const histories = await readHistories(view, options.history ?? {})
  const different: Difference[] = []
  let row = -1
  let rows = 0
  let values = 0
  for await (const found of set) {
    row++
    if (options.only && !options.only(row)) continue
    rows++
    const moment = momentMicros(found[options.moment ?? 'at'] as Date | string)
    const valuesOf = (item: Selection | OnDemand): Values => {
      if (item instanceof OnDemand) return item.compute(Object.assign({}, ...item.from.map(valuesOf)) as Values, found)
      const key = Object.fromEntries(
        Object.entries(item.keys).map(([name, column]) => [name, toCell(item.group.entity.keys[name] as TypeData, found[column])]),
      )
      const history = histories.get(item.group)?.get(keyText(Object.values(key)))
      const answer = oracleValues(item.group, history ? rowsUntil(history, moment) : [], key, moment, {
        asKnown: options.asKnown ?? false,
      })
      return Object.fromEntries(
        Object.entries(item.features).map(([name, feature]) => [
          name,
          fromCell(item.group.features[feature]?.type as TypeData, answer.values[feature] ?? null),
        ]),
      )
    }
    for (const [feature, expected] of view.items.flatMap((item) => Object.entries(valuesOf(item)))) {
      values++
      if (!isDeepStrictEqual(found[feature], expected)) different.push({ row, feature, found: found[feature], expected })
    }
    options.progress?.(rows)
  }
  return { rows, values, different }
}

/** The rows of each key of each group: an event of another key never counts, and looking at them all would take days. */
async function readHistories(
  view: AnyView,
  history: Readonly<Record<string, History>>,
): Promise<Map<FeatureGroupData, Map<string, KeyRows>>> {
  await using duck = await Duck.open()
  const histories = new Map<FeatureGroupData, Map<string, KeyRows>>()
  const rows = new Map<string, OracleRow[]>()
  for (const group of new Set(selectionsOf(view).map((selection) => selection.group))) {
    const { source } = group
    const all = rows.get(source.name) ?? (await sourceRows(duck, source, history[source.name]))
    rows.set(source.name, all)
    const keys = Map.groupBy(all, (row) => keyText(Object.values(group.keys).map((column) => row[column] ?? null)))
    histories.set(group, new Map([...keys].map(([key, own]) => [key, keyRows(source, own)])))
  }
  return histories
}

const keyText = (cells: readonly Cell[]) => JSON.stringify(cells.map((cell) => (typeof cell === 'bigint' ? String(cell) : cell)))
