import { type BoundWindow, Evaluator, type Series, sessionStarts, sinceStarts } from '../aggregation/index.ts'
import type { ColumnNode, ExpressionNode, WindowData } from '../definition/index.ts'
import { canonicalJson } from '../lib/canonical-json.ts'
import type { Cell, Kind } from '../schema/index.ts'
import { compileExpression, compileFilter, type LeafNode } from './evaluate-expression.ts'
import { cellReader, type EventBlock } from './event-block.ts'
import type { EventGroupPlan, SeriesPlan } from './group-plan.ts'

/**
 * A plan ready to evaluate: bind a block of events, load a key, then ask for its features at moments.
 * Every path of the system comes to a feature's value through here.
 */
export class BoundGroup {
  readonly #evaluator: Evaluator
  readonly #columns = new Columns()
  readonly #series: readonly ((block: EventBlock) => Series)[]
  readonly #windows: readonly ((block: EventBlock) => BoundWindow)[]
  readonly #compute: readonly (() => Cell)[]
  readonly #changes: readonly FeatureChanges[]
  #keyStarts: ArrayLike<number> = [0]
  #times: Float64Array = new Float64Array(0)
  #moment = 0

  constructor(plan: EventGroupPlan) {
    this.#evaluator = new Evaluator(plan.windows.length, plan.aggregates)
    this.#series = plan.series.map((series) => seriesBuilder(series, this.#columns))
    this.#windows = plan.windows.map((window) => windowBinder(window, this.#columns))
    const { values } = this.#evaluator
    this.#compute = plan.features.map(({ node }) => {
      const compute = compileExpression(node, (leaf) => {
        if (leaf.node === 'asOf') return () => this.#moment
        const place = plan.places.get(canonicalJson(leaf)) as number
        return () => values[place] as Cell
      })
      return () => compute(0)
    })
    this.#changes = plan.features.map(({ node }) => featureChanges(plan, node))
  }

  /** Takes other events. */
  bind(block: EventBlock): this {
    this.#columns.bind(block)
    this.#keyStarts = block.keyStarts
    this.#times = block.times
    this.#evaluator.bind(
      block.times,
      this.#series.map((build) => build(block)),
      this.#windows.map((bind) => bind(block)),
    )
    return this
  }

  /** Goes to a key by its place in the block; see `Evaluator.load`. */
  load(key: number, reuse: boolean, baselines?: readonly unknown[]): void {
    this.#evaluator.load(this.#keyStarts[key] as number, this.#keyStarts[key + 1] as number, reuse, baselines)
  }

  /** What has to be kept of the loaded key to answer any moment from `moment` on; see `Evaluator.keep`. */
  keep(key: number, moment: number): { readonly from: number; readonly baselines: readonly unknown[] } {
    return this.#evaluator.keep(this.#keyStarts[key] as number, moment, this.#times)
  }

  /**
   * The next moment after the one sought at which a feature can have another value without any event to come: when other events
   * are inside one of its windows, or a microsecond later where time itself is part of the value; null for never.
   */
  nextChange(feature: number): number | null {
    const { places, timed } = this.#changes[feature] as FeatureChanges
    if (timed) return this.#moment + 1
    let next = Number.POSITIVE_INFINITY
    for (const { place, fading } of places) {
      if (fading && this.#evaluator.counts(place)) return this.#moment + 1
      next = Math.min(next, this.#evaluator.nextChange(place))
    }
    return next === Number.POSITIVE_INFINITY ? null : next
  }

  /** The moment from which on events of the loaded key may still change; see `Evaluator.openFrom`. */
  openFrom(moment: number): number {
    return this.#evaluator.openFrom(moment)
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

/** What changes the value of a feature besides events: whether the moment is part of it, and its aggregates, some of which fade. */
interface FeatureChanges {
  readonly timed: boolean
  readonly places: readonly { readonly place: number; readonly fading: boolean }[]
}

const fading = new Set(['decayedSum', 'decayedCount'])

function featureChanges(plan: EventGroupPlan, node: ExpressionNode): FeatureChanges {
  if (node.node === 'asOf') return { timed: true, places: [] }
  if (node.node === 'aggregate')
    return { timed: false, places: [{ place: plan.places.get(canonicalJson(node)) as number, fading: fading.has(node.function) }] }
  if (node.node !== 'call') return { timed: false, places: [] }
  const parts = node.arguments.map((argument) => featureChanges(plan, argument))
  return { timed: parts.some(({ timed }) => timed), places: parts.flatMap(({ places }) => places) }
}

/** The columns that row functions read: those of the block bound last. */
class Columns {
  readonly #readers = new Map<string, { read: (row: number) => Cell; readonly node: ColumnNode }>()

  bind({ columns }: EventBlock): void {
    for (const [name, reader] of this.#readers) {
      const column = columns.get(name)
      if (!column) throw new TypeError(`the block lacks ${name}`)
      reader.read = cellReader(reader.node.type, column)
    }
  }

  value(node: ExpressionNode): (row: number) => Cell {
    return compileExpression(node, (leaf) => this.#leaf(leaf))
  }

  filter(node: ExpressionNode): (row: number) => boolean {
    return compileFilter(node, (leaf) => this.#leaf(leaf))
  }

  #leaf(leaf: LeafNode): (row: number) => Cell {
    if (leaf.node !== 'column') throw new TypeError(`${leaf.node} inside an aggregate`)
    const reader = this.#readers.get(leaf.name) ?? { read: () => null, node: leaf }
    this.#readers.set(leaf.name, reader)
    return (row) => reader.read(row)
  }
}

/** Series of up to so many events share memory that serves one block after the other: for one key, making arrays costs more than filling them. */
const smallBlock = 1024

const inFloat64: ReadonlySet<Kind> = new Set<Kind>(['integer', 'float', 'decimal', 'timestamp', 'date'])

function seriesBuilder(plan: SeriesPlan, columns: Columns): (block: EventBlock) => Series {
  const bare = plan.filter === null && plan.weight === null
  if (bare && plan.value === null) return ({ times, ids }) => ({ values: times, weights: null, positions: null, rank: null, times, ids })
  const numbers = plan.value === null || inFloat64.has(plan.value.type.kind)
  const name = bare && plan.value?.node === 'column' && plan.value.type.kind !== 'boolean' ? plan.value.name : null
  const value = plan.value ? columns.value(plan.value) : () => 0
  const weight = plan.weight ? columns.value(plan.weight) : null
  const passes = plan.filter ? columns.filter(plan.filter) : null
  const shared = { values: new Float64Array(smallBlock), positions: new Int32Array(smallBlock), rank: new Int32Array(smallBlock + 1) }
  return (block) => {
    const { times, ids } = block
    const whole = name === null ? undefined : block.columns.get(name)
    if (whole && !whole.nulls) return { values: whole.values, weights: null, positions: null, rank: null, times, ids }
    const count = times.length
    const small = count <= smallBlock
    const values: Float64Array | Cell[] = !numbers ? [] : small ? shared.values : new Float64Array(count)
    const weights: Cell[] | null = weight ? [] : null
    const positions = small ? shared.positions : new Int32Array(count)
    const rank = small ? shared.rank : new Int32Array(count + 1)
    let kept = 0
    for (let row = 0; row < count; row++) {
      rank[row] = kept
      if (passes && !passes(row)) continue
      const cell = value(row)
      const own = weight ? weight(row) : 0
      if (cell === null || own === null) continue
      values[kept] = cell as number
      if (weights) weights[kept] = own
      positions[kept++] = row
    }
    rank[count] = kept
    if (kept === count) return { values, weights, positions: null, rank: null, times, ids }
    if (small) return { values, weights, positions, rank, times, ids }
    return {
      values: numbers ? (values as Float64Array).slice(0, kept) : values,
      weights,
      positions: positions.slice(0, kept),
      rank,
      times,
      ids,
    }
  }
}

function windowBinder(window: WindowData, columns: Columns): (block: EventBlock) => BoundWindow {
  if (window.kind === 'session') return (block) => ({ ...window, starts: sessionStarts(block.times, block.keyStarts, window.gap) })
  if (window.kind === 'since') {
    const matches = columns.filter(window.condition)
    return (block) => ({ kind: 'since', delay: window.delay, starts: sinceStarts(matches, block.keyStarts, block.times.length) })
  }
  return () => window
}
