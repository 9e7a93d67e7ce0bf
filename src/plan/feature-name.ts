import type { AggregateNode, ExpressionNode, WindowData } from '../definition/index.ts'
import { durationMicros, formatDuration } from '../lib/duration.ts'

/** What a feature of events is made of, as far as its name should tell. */
export interface FeatureParts {
  readonly aggregates: readonly AggregateNode[]
  /** Whether it is measured from its as-of moment, such as the seconds since the last order. */
  readonly usesAsOf: boolean
}

export function partsOf(node: ExpressionNode): FeatureParts {
  const aggregates: AggregateNode[] = []
  let usesAsOf = false
  const visit = (part: ExpressionNode): void => {
    if (part.node === 'aggregate') aggregates.push(part)
    else if (part.node === 'asOf') usesAsOf = true
    else if (part.node === 'call') part.arguments.forEach(visit)
  }
  visit(node)
  return { aggregates, usesAsOf }
}

/** The word by which a name tells a window: `90d`, `lifetime`, `session`, `since`. */
export const windowWord = (window: WindowData): string => ('length' in window ? formatDuration(window.length) : window.kind)

const durationWord = /^(\d+(us|ms|s|m|h|d|w))+$/

/** Whether a word of a name tells this window: `24h` and `1d` are one. A session may be told by its gap. */
export function tellsWindow(word: string, window: WindowData): boolean {
  if (!durationWord.test(word) || !/[1-9]/.test(word)) return word === window.kind
  const micros = durationMicros(word)
  return 'length' in window ? window.length === micros : window.kind === 'session' && window.gap === micros
}

/** The window that a name ends with, as it is written there; null where it ends with none. */
export function namedWindow(name: string): string | null {
  const word = name.slice(name.lastIndexOf('_') + 1)
  return durationWord.test(word) || word === 'lifetime' || word === 'session' ? word : null
}

/** What the words for an aggregation in a name may stand for. */
const aggregationWords: Readonly<Record<string, readonly string[]>> = {
  count: ['count', 'countDistinct', 'countDistinctApproximate', 'decayedCount'],
  sum: ['sum', 'decayedSum'],
  avg: ['average'],
  average: ['average'],
  mean: ['average'],
  min: ['minimum'],
  minimum: ['minimum'],
  max: ['maximum'],
  maximum: ['maximum'],
  median: ['quantile', 'quantileApproximate'],
  stddev: ['deviationPopulation', 'deviationSample'],
  deviation: ['deviationPopulation', 'deviationSample'],
  variance: ['variancePopulation', 'varianceSample'],
}

/** The aggregation that a name tells just before its window, where the function is another one; null where all is well. */
export function wrongAggregation(name: string, aggregate: AggregateNode): string | null {
  const words = name.split('_')
  const word = words.at(namedWindow(name) === null ? -1 : -2) ?? ''
  const meant = Object.hasOwn(aggregationWords, word) ? aggregationWords[word] : undefined
  return meant === undefined || meant.includes(aggregate.function) ? null : word
}
