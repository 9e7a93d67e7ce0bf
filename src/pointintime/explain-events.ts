import { type AggregateNode, type ExpressionNode, showExpression, showWindow } from '../definition/index.ts'
import { formatDuration } from '../lib/duration.ts'
import { formatMoment } from '../lib/moment.ts'
import type { Duck } from '../offline/index.ts'
import {
  type CellColumn,
  cellReader,
  compileExpression,
  compileFilter,
  type EventGroupPlan,
  type GroupUse,
  type LeafNode,
} from '../plan/index.ts'
import type { Cell, TypeData } from '../schema/index.ts'
import type { Interrupt } from './context.ts'
import { type KeyedEvents, readEvents } from './event-history.ts'
import { shortDuration, type WindowPart, windowPart } from './explain-window.ts'
import type { AggregateExplanation, JsonValue, Nearest, OutsideEvent, ShownEvent } from './explanation.ts'
import { historySql } from './group-values.ts'
import { jsonRecord } from './json-value.ts'
import type { KeyHistory } from './key-history.ts'

/** The moments of one read, in microseconds: `moment` is that whose value is given, `asOf` that which was asked for. */
export interface ExplainedMoment {
  readonly asOf: number
  readonly moment: number
  readonly asKnown: boolean
  readonly limit: number
}

/**
 * Every event of one key in event order, in every version and whether visible or not, and which of them count at a
 * moment, in which aggregates, and why the others do not.
 */
export class ExplainedEvents {
  readonly #plan: EventGroupPlan
  readonly #events: KeyedEvents & { readonly known: Float64Array; readonly superseded: Float64Array }
  readonly #at: ExplainedMoment
  /** The places of the events that are read in the right version, and the position of each event among them (-1: none). */
  readonly #read: Int32Array
  readonly #positions: Int32Array

  private constructor(plan: EventGroupPlan, events: KeyedEvents, at: ExplainedMoment) {
    this.#plan = plan
    this.#events = events as KeyedEvents & { known: Float64Array; superseded: Float64Array }
    this.#at = at
    const count = events.block.times.length
    this.#read = Int32Array.from({ length: count }, (_, place) => place).filter((place) => this.#versionReason(place) === null)
    this.#positions = new Int32Array(count).fill(-1)
    for (const [position, place] of this.#read.entries()) this.#positions[place] = position
  }

  static async read(
    duck: Duck,
    use: GroupUse & { readonly plan: EventGroupPlan },
    history: KeyHistory,
    at: ExplainedMoment,
    interrupt: Interrupt,
  ): Promise<ExplainedEvents> {
    const { id, known } = use.plan.group.source
    const columns = [...new Set([...use.plan.columns, ...id])].sort()
    // Versions of one event at one moment come in the order in which they became known.
    const orderColumns = [...use.plan.orderColumns, ...(known === null ? [] : [known])]
    const plan = { ...use.plan, columns, ordered: true, orderColumns }
    const everything = { asKnown: true, first: 0, last: Number.MAX_SAFE_INTEGER, everyEvent: true }
    const events = await readEvents(duck, historySql({ ...use, plan }, history.all, history.keysSql, everything), plan, 1, true, interrupt)
    return new ExplainedEvents(use.plan, events, at)
  }

  /** The moment of the newest visible event; null where none is. */
  get newest(): number | null {
    const visible = this.#read.findLast((place) => this.#time(place) < this.#at.moment)
    return visible === undefined ? null : this.#time(visible)
  }

  /** How an aggregate of the feature came to its value. */
  explain(node: AggregateNode, value: JsonValue): AggregateExplanation {
    const { moment, limit } = this.#at
    const matches = node.window.kind === 'since' ? this.#filter(node.window.condition) : () => false
    const times = Float64Array.from(this.#read, (place) => this.#time(place))
    const part = windowPart(node.window, times, (position) => matches(this.#read[position] as number), moment)
    const contentReason = this.#contentReason(node)
    const inside: number[] = []
    const before: number[] = []
    const within: number[] = []
    const after: number[] = []
    for (let place = this.#positions.length - 1; place >= 0; place--) {
      const time = this.#time(place)
      const position = this.#positions[place] as number
      const counts = contentReason(place) === null
      if (time >= part.to) {
        if (counts && (position >= 0 || this.#isLatest(place))) after.push(place)
      } else if (position < 0 ? time >= (part.from ?? Number.NEGATIVE_INFINITY) : position >= part.low) {
        if (counts && position >= 0) inside.push(place)
        else within.push(place)
      } else if (counts && position >= 0) before.push(place)
    }
    const nearest = (places: readonly number[], reason: (place: number) => string): Nearest<OutsideEvent> => ({
      count: places.length,
      nearest: places.slice(0, limit).map((place) => ({ ...this.#shown(place), reason: reason(place) })),
    })
    const oldest = inside.at(-1)
    return {
      definition: showExpression(node),
      value,
      window: {
        definition: showWindow(node.window),
        from: part.from === null ? null : formatMoment(part.from),
        to: formatMoment(part.to),
        reason: part.reason,
      },
      inside: {
        count: inside.length,
        newest: inside.slice(0, limit).map((place) => this.#shown(place)),
        oldest: oldest === undefined ? null : this.#shown(oldest),
      },
      outside: {
        before: nearest(before, (place) => part.whyBefore(this.#positions[place] as number)),
        within: nearest(within, (place) => this.#versionReason(place) ?? (contentReason(place) as string)),
        after: nearest(after.reverse(), (place) => this.#whyAfter(node, part, this.#time(place))),
      },
    }
  }

  #time(place: number): number {
    return this.#events.block.times[place] as number
  }

  #isLatest(place: number): boolean {
    return this.#events.superseded[place] === Number.POSITIVE_INFINITY
  }

  /** Why an event is not read in this version; null where it is. */
  #versionReason(place: number): string | null {
    const known = this.#events.known[place] as number
    const superseded = this.#events.superseded[place] as number
    const { asKnown, moment } = this.#at
    if (asKnown && known > moment) return `not yet known at ${formatMoment(moment)}: known from ${formatMoment(known)} on`
    if (asKnown ? superseded <= moment : !this.#isLatest(place))
      return `superseded by a later version, known at ${formatMoment(superseded)}`
    return null
  }

  /** Why an event counts for nothing in an aggregate wherever the window lies; null where it counts. */
  #contentReason(node: AggregateNode): (place: number) => string | null {
    const { filter } = node
    const passes = filter === null ? () => true : this.#filter(filter)
    const mismatch = filter === null ? '' : `does not match the filter ${showExpression(filter)}`
    const inputs = node.inputs.map((input) => ({
      value: compileExpression(input, (leaf) => this.#leaf(leaf)),
      isNull: `${showExpression(input)} is null`,
    }))
    return (place) => (passes(place) ? (inputs.find(({ value }) => value(place) === null)?.isNull ?? null) : mismatch)
  }

  #filter(condition: ExpressionNode): (place: number) => boolean {
    return compileFilter(condition, (leaf) => this.#leaf(leaf))
  }

  #leaf(leaf: LeafNode): (place: number) => Cell {
    if (leaf.node !== 'column') throw new TypeError(`${leaf.node} inside an aggregate`)
    return cellReader(leaf.type, this.#events.block.columns.get(leaf.name) as CellColumn)
  }

  #whyAfter(node: AggregateNode, part: WindowPart, time: number): string {
    const { asOf, moment } = this.#at
    if (time === asOf) return 'at the as-of moment: not yet visible'
    if (time > asOf) return `${shortDuration(time - asOf)} after the as-of moment: not yet visible`
    if (time >= moment) return `at or after the last tick, ${formatMoment(moment)}: not yet visible to a scheduled group`
    if (node.window.kind === 'tumbling' && node.window.part === 'last' && time < moment - node.window.delay)
      return 'in the current bucket, which is not complete'
    return `${time === part.to ? 'at' : `${shortDuration(time - part.to)} after`} the end of the window, which lies ${formatDuration(node.window.delay)} back`
  }

  #shown(place: number): ShownEvent {
    const { source } = this.#plan.group
    const values = (names: readonly string[]) =>
      jsonRecord(
        names.map((name) => {
          const type = source.columns[name] as TypeData
          return [name, type, cellReader(type, this.#events.block.columns.get(name) as CellColumn)(place)]
        }),
      )
    const known = this.#events.known[place] as number
    return {
      time: formatMoment(this.#time(place)),
      id: values(source.id),
      columns: values(this.#plan.columns),
      known: Number.isFinite(known) ? formatMoment(known) : null,
    }
  }
}
