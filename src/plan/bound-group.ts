import { Evaluator } from '../aggregation/index.ts'
import type { ExpressionNode } from '../definition/index.ts'
import { canonicalJson } from '../lib/canonical-json.ts'
import type { Cell } from '../schema/index.ts'
import { BlockColumns } from './block-columns.ts'
import { compileExpression } from './evaluate-expression.ts'
import type { EventBlock } from './event-block.ts'
import type { EventGroupPlan } from './group-plan.ts'
import { SeriesBuilder } from './series-builder.ts'
import { WindowBinder } from './window-binder.ts'

/**
 * A plan ready to evaluate: bind a block of events, load a key, then ask for its features at moments.
 * Every path of the system comes to a feature's value through here.
 */
export class BoundGroup {
  readonly #evaluator: Evaluator
  readonly #columns = new BlockColumns()
  readonly #series: readonly SeriesBuilder[]
  readonly #windows: readonly WindowBinder[]
  readonly #compute: readonly (() => Cell)[]
  readonly #changes: readonly FeatureChanges[]
  #keyStarts: ArrayLike<number> = [0]
  #times: Float64Array = new Float64Array(0)
  #moment = 0

  /** `lasting`: it keeps one key that grows, while others of the same plan are asked. */
  constructor(plan: EventGroupPlan, lasting = false) {
    this.#evaluator = new Evaluator(plan.windows.length, plan.aggregates, lasting)
    this.#series = plan.series.map((series) => new SeriesBuilder(series, this.#columns))
    this.#windows = plan.windows.map((window) => new WindowBinder(window, this.#columns))
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
      this.#series.map((series) => series.build(block)),
      this.#windows.map((window) => window.bind(block)),
    )
    return this
  }

  /**
   * Takes a block of one key that is as the one taken last, or has other events from position `from` on, or begins later. What was
   * made of the events before `from` is kept; of the first block, `from` is where its key begins.
   */
  extend(block: EventBlock, from: number, baselines?: readonly unknown[]): void {
    this.#columns.bind(block)
    this.#keyStarts = block.keyStarts
    this.#times = block.times
    const [start, end] = block.keyStarts as unknown as readonly [number, number]
    this.#evaluator.extend(
      block.times,
      this.#series.map((series) => series.extend(block, from)),
      this.#windows.map((window) => window.extend(block, from)),
      { start, from: Math.max(from, start), end },
      baselines,
    )
  }

  /** The events of the block of one key have moved to the front by so many positions; `extend` follows. */
  shift(events: number): void {
    for (const window of this.#windows) window.shift(events)
    this.#evaluator.shift(
      events,
      this.#series.map((series) => series.shift(events)),
    )
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
