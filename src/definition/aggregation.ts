import { aggregateFunctions } from '../aggregation/index.ts'
import { LockstepError } from '../errors.ts'
import { type Duration, durationMicros } from '../lib/duration.ts'
import type { Kind } from '../schema/index.ts'
import {
  type AggregateNode,
  call,
  Expression,
  type ExpressionNode,
  type NumericKind,
  type OrderedKind,
  type PlainValue,
  type TextKind,
} from './expression.ts'
import type { WindowShape } from './window.ts'

type Condition = Expression<'boolean', boolean, boolean>
type Numeric<K extends NumericKind = NumericKind> = Expression<K, boolean, unknown>
type Countable = TextKind | OrderedKind

/**
 * An aggregate of the events of an entity key. Without a window it is over the key's lifetime.
 * Arithmetic on it gives a plain expression, which has no window of its own.
 */
export class Aggregation<K extends Kind = Kind, N extends boolean = boolean, V = unknown> extends Expression<K, N, V> {
  declare readonly node: AggregateNode

  /** Counts only the events that match; a null condition does not match. A second `where` narrows the first. */
  where(condition: Condition): Aggregation<K, N, V> {
    const node = conditionNode(condition, 'where')
    const filter = this.node.filter ? call('and', [this.node.filter, node]).node : node
    return new Aggregation({ ...this.node, filter })
  }

  /** Sliding window: the events of the last `length`, exact to the microsecond unless a `resolution` is declared. */
  over(length: Duration, options: { readonly resolution?: Duration } = {}): Aggregation<K, N, V> {
    const micros = durationMicros(length, 'over')
    const resolution = options.resolution === undefined ? 0 : durationMicros(options.resolution, 'resolution')
    if (resolution > micros)
      throw new LockstepError('INVALID_DURATION', `The resolution ${options.resolution} is longer than the window ${length}`)
    return this.#window({ kind: 'sliding', length: micros, resolution })
  }

  /** Buckets aligned to the epoch in UTC: the part of the current one, or the last complete one. */
  tumbling(length: Duration, part: 'current' | 'last' = 'current'): Aggregation<K, N, V> {
    return this.#window({ kind: 'tumbling', length: durationMicros(length, 'tumbling'), part })
  }

  /** The events since the last pause longer than `gap`; none once the key has been quiet for longer than that. */
  session(gap: Duration): Aggregation<K, N, V> {
    return this.#window({ kind: 'session', gap: durationMicros(gap, 'session') })
  }

  /** The events after the last one that matches. */
  since(condition: Condition): Aggregation<K, N, V> {
    return this.#window({ kind: 'since', condition: conditionNode(condition, 'since') })
  }

  /** Moves both ends of the window back. */
  delay(length: Duration): Aggregation<K, N, V> {
    return new Aggregation({ ...this.node, window: { ...this.node.window, delay: durationMicros(length, 'delay') } })
  }

  #window(shape: WindowShape): Aggregation<K, N, V> {
    if (this.node.window.kind !== 'lifetime') {
      throw new LockstepError('INVALID_DEFINITION', `${this.node.function} has two windows, ${this.node.window.kind} and ${shape.kind}`)
    }
    return new Aggregation({ ...this.node, window: { ...shape, delay: this.node.window.delay } })
  }
}

/** What the compiler asks of a condition, for definitions in plain JavaScript too. */
function conditionNode(condition: Condition, owner: string): ExpressionNode {
  if (condition instanceof Expression && condition.node.type.kind === 'boolean') return condition.node
  throw new LockstepError(
    'INVALID_DEFINITION',
    `${owner} was given ${condition instanceof Expression ? `a ${condition.node.type.kind}` : String(condition)} instead of a condition`,
  )
}

function aggregate<K extends Kind, N extends boolean, V>(
  name: string,
  inputs: readonly Expression[],
  parameters: AggregateNode['parameters'] = {},
): Aggregation<K, N, V> {
  const nodes = inputs.map((input) => {
    if (!(input instanceof Expression)) {
      throw new LockstepError('INVALID_DEFINITION', `${name} was given ${String(input)} instead of a column`, {
        remedy: 'Name a declared column; undefined often means a circular import.',
      })
    }
    return input.node
  })
  const description = aggregateFunctions[name]
  if (!description) throw new LockstepError('INVALID_DEFINITION', `There is no aggregate ${name}`)
  const type = description.result(
    nodes.map((node) => node.type),
    parameters,
  )
  return new Aggregation({
    node: 'aggregate',
    function: name,
    inputs: nodes,
    parameters,
    filter: null,
    window: { kind: 'lifetime', delay: 0 },
    type,
  })
}

/** How many events; with a column, how many where it is not null. */
export const count = (column?: Expression): Aggregation<'integer', false, number> =>
  aggregate('count', column === undefined ? [] : [column])
/** The exact sum; 0 of nothing. Floats: the correctly rounded value of the exact sum. */
export const sum = <K extends NumericKind>(column: Numeric<K>): Aggregation<K, false, PlainValue<K>> => aggregate('sum', [column])
/** The arithmetic mean as a float, rounded once. */
export const average = (column: Numeric): Aggregation<'float', true, number> => aggregate('average', [column])
export const minimum = <K extends OrderedKind, V>(column: Expression<K, boolean, V>): Aggregation<K, true, V> =>
  aggregate('minimum', [column])
export const maximum = <K extends OrderedKind, V>(column: Expression<K, boolean, V>): Aggregation<K, true, V> =>
  aggregate('maximum', [column])
/** Variance of the values as a float, rounded once: of the population, or of a sample (null below two values). */
export const variance = (column: Numeric, of: 'population' | 'sample' = 'population'): Aggregation<'float', true, number> =>
  aggregate(of === 'sample' ? 'varianceSample' : 'variancePopulation', [column])
/** Standard deviation: the square root of the variance. */
export const deviation = (column: Numeric, of: 'population' | 'sample' = 'population'): Aggregation<'float', true, number> =>
  aggregate(of === 'sample' ? 'deviationSample' : 'deviationPopulation', [column])
/** The value of the earliest event, in order of `(event time, id)`, that has one. */
export const first = <K extends Kind, V>(column: Expression<K, boolean, V>): Aggregation<K, true, V> => aggregate('first', [column])
/** The value of the latest event that has one. */
export const last = <K extends Kind, V>(column: Expression<K, boolean, V>): Aggregation<K, true, V> => aggregate('last', [column])
/** The earliest n values, oldest first. */
export const firstN = <V>(column: Expression<Kind, boolean, V>, n: number): Aggregation<'list', false, readonly V[]> =>
  aggregate('firstN', [column], { n })
/** The latest n values, oldest first. */
export const lastN = <V>(column: Expression<Kind, boolean, V>, n: number): Aggregation<'list', false, readonly V[]> =>
  aggregate('lastN', [column], { n })
/** The n values seen last, each once, newest first. */
export const lastDistinctN = <V>(column: Expression<Countable, boolean, V>, n: number): Aggregation<'list', false, readonly V[]> =>
  aggregate('lastDistinctN', [column], { n })
/** Every value, oldest first; the newest `limit` where there are more. */
export const collect = <V>(column: Expression<Kind, boolean, V>, limit: number): Aggregation<'list', false, readonly V[]> =>
  aggregate('collect', [column], { limit })
/** How many different values, exactly. */
export const countDistinct = (column: Expression<Countable, boolean, unknown>): Aggregation<'integer', false, number> =>
  aggregate('countDistinct', [column])
/** How many different values, within a standard error of about `1.04 / sqrt(2^precision)`. */
export const countDistinctApproximate = (
  column: Expression<Countable, boolean, unknown>,
  precision = 12,
): Aggregation<'integer', false, number> => aggregate('countDistinctApproximate', [column], { precision })
/** The k most frequent values, most frequent first, ties by value; with `by`, those with the largest sum of it. */
export const topK = <V>(column: Expression<Countable, boolean, V>, k: number, by?: Numeric): Aggregation<'list', false, readonly V[]> =>
  by === undefined ? aggregate('topK', [column], { k }) : aggregate('topKBySum', [column, by], { k })
/** The value below which a share of the values lies, interpolated; `percentile` from 0 to 1. */
export const quantile = (column: Numeric, percentile: number): Aggregation<'float', true, number> =>
  aggregate('quantile', [column], { percentile })
/** As `quantile`, from a sketch of bounded size, within a relative error. */
export const quantileApproximate = (column: Numeric, percentile: number, error = 0.01): Aggregation<'float', true, number> =>
  aggregate('quantileApproximate', [column], { percentile, error })
/** How many events each value has. */
export const histogram = (
  column: Expression<Countable, boolean, unknown>,
): Aggregation<'struct', false, Readonly<Record<string, number>>> => aggregate('histogram', [column])
/** The share of the events, among those where it is not null, for which the condition holds; null of nothing. */
export const rate = (condition: Condition): Aggregation<'float', true, number> => aggregate('rate', [condition])
/** Each value counts for half as much with every `halfLife` that has passed since its event. */
export const decayedSum = (column: Numeric, halfLife: Duration): Aggregation<'float', false, number> =>
  aggregate('decayedSum', [column], { halfLife: durationMicros(halfLife, 'halfLife') })
export const decayedCount = (halfLife: Duration): Aggregation<'float', false, number> =>
  aggregate('decayedCount', [], { halfLife: durationMicros(halfLife, 'halfLife') })

/** The moment that a value is asked for; for scheduled groups the tick. */
export const asOf = new Expression<'timestamp', false, string>({ node: 'asOf', type: { kind: 'timestamp', nullable: false } })
/** Seconds from that moment to the as-of moment, as a float. */
export const secondsSince = <N extends boolean>(moment: Expression<'timestamp', N, unknown>): Expression<'float', N, number> =>
  asOf.secondsAfter(moment) as Expression<'float', N, number>
/** Whole days of 24 hours from that moment to the as-of moment. */
export const daysSince = <N extends boolean>(moment: Expression<'timestamp', N, unknown>): Expression<'integer', N, number> =>
  asOf.daysAfter(moment) as Expression<'integer', N, number>
/** One feature over another; null where the divisor is 0. */
export const ratio = (numerator: Numeric, denominator: Numeric): Expression<'float', true, number> => numerator.dividedBy(denominator)
