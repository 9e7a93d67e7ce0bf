import { type BoundWindow, Evaluator, type Series, sessionStarts, sinceStarts } from '../aggregation/index.ts'
import type { ExpressionNode, WindowData } from '../definition/index.ts'
import { canonicalJson } from '../lib/canonical-json.ts'
import type { Cell, Kind } from '../schema/index.ts'
import { compileExpression } from './evaluate-expression.ts'
import { cellReader, type EventBlock } from './event-block.ts'
import type { EventGroupPlan, SeriesPlan } from './group-plan.ts'

/**
 * A plan over a block of events: load a key, then ask for its features at moments.
 * Every path of the system comes to a feature's value through here.
 */
export class BoundGroup {
  readonly #evaluator: Evaluator
  readonly #keyStarts: ArrayLike<number>
  readonly #compute: readonly (() => Cell)[]
  #moment = 0

  constructor(plan: EventGroupPlan, block: EventBlock) {
    const series = plan.series.map((item) => buildSeries(item, block))
    const windows = plan.windows.map((window) => bindWindow(window, block))
    this.#keyStarts = block.keyStarts
    this.#evaluator = new Evaluator(block.times, series, windows, plan.aggregates)
    const { values } = this.#evaluator
    this.#compute = plan.features.map(({ node }) => {
      const compute = compileExpression(node, (leaf) => {
        if (leaf.node === 'asOf') return () => this.#moment
        const place = plan.places.get(canonicalJson(leaf)) as number
        return () => values[place] as Cell
      })
      return () => compute(0)
    })
  }

  /** Goes to a key by its place in the block; see `Evaluator.load`. */
  load(key: number, reuse: boolean, baselines?: readonly unknown[]): void {
    this.#evaluator.load(this.#keyStarts[key] as number, this.#keyStarts[key + 1] as number, reuse, baselines)
  }

  /** Moves to a moment; then `value` gives the features. */
  seek(moment: number): void {
    this.#moment = moment
    this.#evaluator.seek(moment)
  }

  /** The value of the feature at this place of the plan. */
  value(feature: number): Cell {
    return (this.#compute[feature] as () => Cell)()
  }
}

function rowFunction(node: ExpressionNode, block: EventBlock): (row: number) => Cell {
  return compileExpression(node, (leaf) => {
    const column = leaf.node === 'column' ? block.columns.get(leaf.name) : undefined
    if (!column) throw new TypeError(`the block lacks ${leaf.node === 'column' ? leaf.name : leaf.node}`)
    return cellReader(leaf.type, column)
  })
}

const inFloat64: ReadonlySet<Kind> = new Set<Kind>(['integer', 'float', 'decimal', 'timestamp', 'date'])

export function buildSeries(plan: SeriesPlan, block: EventBlock): Series {
  const { times, ids } = block
  const count = times.length
  if (!plan.filter && !plan.weight) {
    if (!plan.value) return { values: times, weights: null, positions: null, rank: null, times, ids }
    const column = plan.value.node === 'column' ? block.columns.get(plan.value.name) : undefined
    if (column && !column.nulls && plan.value.type.kind !== 'boolean') return { values: column.values, weights: null, positions: null, rank: null, times, ids }
  }
  const value = plan.value ? rowFunction(plan.value, block) : () => 0
  const weight = plan.weight ? rowFunction(plan.weight, block) : null
  const passes = plan.filter ? rowFunction(plan.filter, block) : () => true
  const numbers = plan.value === null || inFloat64.has(plan.value.type.kind)
  const values: Float64Array | Cell[] = numbers ? new Float64Array(count) : []
  const weights: Cell[] | null = weight ? [] : null
  const positions = new Int32Array(count)
  const rank = new Int32Array(count + 1)
  let kept = 0
  for (let row = 0; row < count; row++) {
    rank[row] = kept
    if (passes(row) !== true) continue
    const cell = value(row)
    const own = weight ? weight(row) : 0
    if (cell === null || own === null) continue
    values[kept] = cell as number
    if (weights) weights[kept] = own
    positions[kept++] = row
  }
  rank[count] = kept
  if (kept === count) return { values, weights, positions: null, rank: null, times, ids }
  return { values: numbers ? (values as Float64Array).slice(0, kept) : values, weights, positions: positions.slice(0, kept), rank, times, ids }
}

function bindWindow(window: WindowData, block: EventBlock): BoundWindow {
  if (window.kind === 'session') return { ...window, starts: sessionStarts(block.times, block.keyStarts, window.gap) }
  if (window.kind === 'since') {
    const matches = rowFunction(window.condition, block)
    return { kind: 'since', delay: window.delay, starts: sinceStarts((row) => matches(row) === true, block.keyStarts, block.times.length) }
  }
  return window
}
