import type { OnDemandStep, OutputValue, ValueSource, ViewPlan } from '../plan/index.ts'
import { runStep } from '../plan/index.ts'
import { type Cell, type TypeData, toCell } from '../schema/index.ts'

/** The cells of a view's vector; undefined where on-demand code fails. */
export type ServedCells = readonly (Cell | undefined)[]

/** The vector of a row from the values of its groups: on-demand code is run where it is asked for, and defaults stand for null. */
export function assembleCells(
  plan: ViewPlan,
  wanted: readonly number[],
  groupCell: (use: number, feature: number) => Cell,
  request: Readonly<Record<string, unknown>>,
): ServedCells {
  const computed = new Map<number, readonly Cell[] | undefined>()
  const cellOf = (source: ValueSource): Cell | undefined =>
    source.from === 'group' ? groupCell(source.use, source.feature) : stepOf(source.step)?.[source.feature]
  const stepOf = (place: number): readonly Cell[] | undefined => {
    if (!computed.has(place)) computed.set(place, run(plan.steps[place] as OnDemandStep, cellOf, request))
    return computed.get(place)
  }
  const cells = new Array<Cell | undefined>(plan.output.length).fill(undefined)
  for (const place of wanted) {
    const { source, default: standIn } = plan.output[place] as OutputValue
    const cell = cellOf(source)
    cells[place] = cell === null || (cell === undefined && standIn !== null) ? standIn : cell
  }
  return cells
}

function run(
  step: OnDemandStep,
  cellOf: (source: ValueSource) => Cell | undefined,
  request: Readonly<Record<string, unknown>>,
): readonly Cell[] | undefined {
  try {
    const known = step.known.map(({ source }) => {
      const cell = cellOf(source)
      if (cell === undefined) throw new TypeError('what it reads could not be computed')
      return cell
    })
    return runStep(
      step,
      known,
      step.request.map(({ name, type }) => requestCell(type, request[name], name)),
    )
  } catch {
    return undefined
  }
}

/** A request value out of JSON. */
function requestCell(type: TypeData, value: unknown, name: string): Cell {
  if (type.kind === 'int64' && (typeof value === 'string' || typeof value === 'number')) return toCell(type, BigInt(value), name)
  return toCell(type, value ?? null, name)
}
