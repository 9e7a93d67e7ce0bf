import { BoundGroup, type CellColumn, type EventBlock, type EventGroupPlan } from '../plan/index.ts'
import type { TypeData } from '../schema/index.ts'
import { ColumnBuilder } from './column-builder.ts'
import type { Interrupt } from './context.ts'
import type { KeyedEvents } from './event-history.ts'
import { type Moments, noKey, orderMoments } from './moments.ts'
import { ValueColumns } from './value-columns.ts'

/** Events that one block of corrected histories may hold before it is evaluated. */
const correctedBlock = 500_000

/** The features of a group of events at every moment; rows in the order of `moments`. */
export function eventValues(plan: EventGroupPlan, events: KeyedEvents, moments: Moments, interrupt: Interrupt): ValueColumns {
  const values = new ValueColumns(plan.features, moments.count)
  const corrections = events.known ? new CorrectedHistories(plan, events, values) : null
  const block = corrections ? corrections.latest : events.block
  evaluate(plan, block, moments, values, (row) => row, interrupt, corrections)
  corrections?.flush(interrupt)
  fillUnknownKeys(plan, moments, values)
  return values
}

function evaluate(
  plan: EventGroupPlan,
  block: EventBlock,
  moments: Moments,
  values: ValueColumns,
  target: (row: number) => number,
  interrupt: Interrupt,
  corrections: CorrectedHistories | null,
): void {
  const bound = new BoundGroup(plan).bind(block)
  const { order, keyStarts, at } = moments
  const features = plan.features.length
  for (let key = 0; key + 1 < keyStarts.length; key++) {
    const start = keyStarts[key] as number
    const end = keyStarts[key + 1] as number
    if (start === end) continue
    bound.load(key, end - start > 1)
    for (let i = start; i < end; i++) {
      const row = order[i] as number
      const moment = at[row] as number
      if (corrections?.defer(key, row, moment, interrupt)) continue
      bound.seek(moment)
      const into = target(row)
      for (let feature = 0; feature < features; feature++) values.set(feature, into, bound.value(feature))
    }
    if (key % 256 === 0) interrupt.check()
    interrupt.advance(end - start)
  }
}

/** Rows without a key see no event: the same values as a key that was never seen. */
function fillUnknownKeys(plan: EventGroupPlan, moments: Moments, values: ValueColumns): void {
  if (moments.order.length === moments.count) return
  const bound = new BoundGroup(plan).bind(emptyBlock(plan))
  bound.load(0, false)
  for (let row = 0; row < moments.count; row++) {
    if (moments.keys[row] !== noKey) continue
    bound.seek(moments.at[row] as number)
    for (let feature = 0; feature < plan.features.length; feature++) values.set(feature, row, bound.value(feature))
  }
}

/** A block of one key without events. */
export function emptyBlock(plan: EventGroupPlan): EventBlock {
  const columns = new Map<string, CellColumn>(plan.columns.map((name) => [name, { values: [], nulls: null }]))
  return { times: new Float64Array(0), ids: null, columns, keyStarts: Int32Array.of(0, 0) }
}

/**
 * Reads as known at the moment itself. Most moments see what is known now and take the usual path over `latest`; one
 * that some event of its key reached late, or that came before a correction, is evaluated over its own history, which
 * stands as a key of its own in a block of such histories.
 */
class CorrectedHistories {
  /** The events as known now: every event in its last version. */
  readonly latest: EventBlock
  readonly #plan: EventGroupPlan
  readonly #events: Required<KeyedEvents>
  readonly #values: ValueColumns
  /** By key, the positions of events that were known late or in several versions; null for most keys. */
  readonly #irregular: readonly (readonly number[] | null)[]
  #rows: number[] = []
  #at: number[] = []
  #positions: number[] = []
  #starts: number[] = [0]

  constructor(plan: EventGroupPlan, events: KeyedEvents, values: ValueColumns) {
    const { block, known, superseded } = events as { block: EventBlock; known: Float64Array; superseded: Float64Array }
    this.#plan = plan
    this.#events = events as Required<KeyedEvents>
    this.#values = values
    const irregular: (number[] | null)[] = []
    const kept: number[] = []
    const starts: number[] = [0]
    for (let key = 0; key + 1 < block.keyStarts.length; key++) {
      let own: number[] | null = null
      for (let i = block.keyStarts[key] as number; i < (block.keyStarts[key + 1] as number); i++) {
        const last = superseded[i] === Number.POSITIVE_INFINITY
        if (last) kept.push(i)
        if (!last || (known[i] as number) > (block.times[i] as number)) {
          own ??= []
          own.push(i)
        }
      }
      irregular.push(own)
      starts.push(kept.length)
    }
    this.#irregular = irregular
    this.latest = kept.length === block.times.length ? block : subset(plan, block, kept, starts)
  }

  /** Takes the moment over where what was known at it differs from what is known now. */
  defer(key: number, row: number, moment: number, interrupt: Interrupt): boolean {
    const irregular = this.#irregular[key]
    if (!irregular) return false
    const { block, known, superseded } = this.#events as { block: EventBlock; known: Float64Array; superseded: Float64Array }
    const seen = (i: number) => (known[i] as number) <= moment && moment < (superseded[i] as number)
    const differs = irregular.some((i) => (block.times[i] as number) < moment && seen(i) !== (superseded[i] === Number.POSITIVE_INFINITY))
    if (!differs) return false
    for (let i = block.keyStarts[key] as number; i < (block.keyStarts[key + 1] as number); i++) if (seen(i)) this.#positions.push(i)
    this.#rows.push(row)
    this.#at.push(moment)
    this.#starts.push(this.#positions.length)
    if (this.#positions.length > correctedBlock) this.flush(interrupt)
    return true
  }

  flush(interrupt: Interrupt): void {
    if (this.#rows.length === 0) return
    const rows = this.#rows
    const keys = Int32Array.from(rows, (_, index) => index)
    const at = Float64Array.from(this.#at)
    const moments: Moments = { count: rows.length, keys, at, rows: Float64Array.from(rows), ...orderMoments(keys, at, rows.length) }
    evaluate(
      this.#plan,
      subset(this.#plan, this.#events.block, this.#positions, this.#starts),
      moments,
      this.#values,
      (row) => rows[row] as number,
      interrupt,
      null,
    )
    this.#rows = []
    this.#at = []
    this.#positions = []
    this.#starts = [0]
  }
}

/** The events at these positions as a block of its own. */
function subset(plan: EventGroupPlan, block: EventBlock, positions: readonly number[], starts: readonly number[]): EventBlock {
  const columns = new Map<string, CellColumn>()
  for (const [name, { values, nulls }] of block.columns) {
    const builder = new ColumnBuilder(plan.group.source.columns[name] as TypeData, positions.length)
    positions.forEach((position, row) => {
      builder.set(row, nulls?.[position] === 1 ? null : (values[position] as number))
    })
    columns.set(name, builder.column())
  }
  return {
    times: Float64Array.from(positions, (position) => block.times[position] as number),
    ids: null,
    columns,
    keyStarts: Int32Array.from(starts),
  }
}
