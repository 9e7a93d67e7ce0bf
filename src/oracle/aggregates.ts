import { aggregateFunctions } from '../aggregation/index.ts'
import { LockstepError } from '../errors.ts'
import { type Cell, fromCell, type TypeData } from '../schema/index.ts'
import { compareCells, exactCell, nearestDouble, unitsOf, unitsOfOne } from './number.ts'

/** What an event of the window gives to an aggregate: the values of its inputs. */
export interface Contribution {
  readonly inputs: readonly Cell[]
  readonly time: number
}

export interface AggregateCall {
  readonly function: string
  readonly types: readonly TypeData[]
  readonly parameters: Readonly<Record<string, number | string | boolean>>
}

/** The value of an aggregate over the events of a window, oldest first. An event with a null input does not count. */
export function aggregateOf(call: AggregateCall, events: readonly Contribution[], asOf: number): Cell {
  const given = events.filter(({ inputs }) => !inputs.includes(null))
  const values = given.map(({ inputs }) => inputs[0] as Cell)
  const type = call.types[0] as TypeData
  const parameter = (name: string) => call.parameters[name] as number
  switch (call.function) {
    case 'count':
      return given.length
    case 'sum':
      return sum(type, values)
    case 'average':
      return values.length === 0 ? null : (special(values) ?? nearestDouble(total(type, values), BigInt(values.length) * unitsOfOne(type)))
    case 'variancePopulation':
      return variance(type, values, values.length)
    case 'varianceSample':
      return variance(type, values, values.length - 1)
    case 'deviationPopulation':
      return squareRoot(variance(type, values, values.length))
    case 'deviationSample':
      return squareRoot(variance(type, values, values.length - 1))
    case 'minimum':
      return values.toSorted(compareCells).at(0) ?? null
    case 'maximum':
      return values.toSorted(compareCells).at(-1) ?? null
    case 'first':
      return values.at(0) ?? null
    case 'last':
      return values.at(-1) ?? null
    case 'firstN':
      return values.slice(0, parameter('n'))
    case 'lastN':
      return values.slice(-parameter('n'))
    case 'collect':
      return values.slice(-parameter('limit'))
    case 'lastDistinctN':
      return [...new Set(values.toReversed())].slice(0, parameter('n'))
    case 'countDistinct':
      return new Set(values).size
    case 'topK':
      return largest(tally(values), parameter('k'), (a, b) => a - b)
    case 'topKBySum':
      return topBySum(call.types[1] as TypeData, given, parameter('k'))
    case 'histogram':
      return histogram(type, values)
    case 'rate':
      return values.length === 0 ? null : values.filter((value) => value === true).length / values.length
    case 'quantile':
      return values.length === 0
        ? null
        : quantile(values.map(Number).sort(compareCells), parameter('percentile')) / 10 ** (type.scale ?? 0) + 0
    case 'countDistinctApproximate':
    case 'quantileApproximate':
    case 'decayedSum':
    case 'decayedCount':
      return folded(call, given, asOf)
    default:
      throw new LockstepError('INVALID_DEFINITION', `The oracle does not know the aggregate ${call.function}`)
  }
}

/** NaN and infinities have no units: where there are any they decide a sum, as IEEE 754 says. Null where there are none. */
function special(values: readonly Cell[]): number | null {
  const specials = values.filter((value) => typeof value === 'number' && !Number.isFinite(value)) as number[]
  return specials.length === 0 ? null : specials.reduce((a, b) => a + b)
}

const total = (type: TypeData, values: readonly Cell[]): bigint => values.reduce<bigint>((units, value) => units + unitsOf(type, value), 0n)

function sum(type: TypeData, values: readonly Cell[]): Cell {
  if (type.kind === 'float') return special(values) ?? nearestDouble(total(type, values), unitsOfOne(type))
  return exactCell(type, total(type, values))
}

/** `sum of (x - mean)^2 / divisor = (n * sum of x^2 - (sum of x)^2) / (n * divisor)`. */
function variance(type: TypeData, values: readonly Cell[], divisor: number): number | null {
  if (divisor < 1) return null
  if (special(values) !== null) return Number.NaN
  const count = BigInt(values.length)
  const squares = values.reduce<bigint>((units, value) => units + unitsOf(type, value) ** 2n, 0n)
  return nearestDouble(count * squares - total(type, values) ** 2n, count * BigInt(divisor) * unitsOfOne(type) ** 2n)
}

const squareRoot = (value: number | null) => (value === null ? null : Math.sqrt(value))

/** How often each value occurs. */
function tally(values: readonly Cell[]): Map<Cell, number> {
  const counts = new Map<Cell, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return counts
}

/** The k values that weigh most, the heaviest first, equally heavy ones in the order of values. */
function largest<Weight>(weights: Map<Cell, Weight>, k: number, compareWeights: (a: Weight, b: Weight) => number): Cell[] {
  return [...weights]
    .sort(([a, weightOfA], [b, weightOfB]) => compareWeights(weightOfB, weightOfA) || compareCells(a, b))
    .slice(0, k)
    .map(([value]) => value)
}

function topBySum(type: TypeData, given: readonly Contribution[], k: number): Cell[] {
  const weightsOf = Map.groupBy(given, ({ inputs }) => inputs[0] as Cell)
  const sums = new Map(
    [...weightsOf].map(([value, events]) => [
      value,
      exactSum(
        type,
        events.map(({ inputs }) => inputs[1] as Cell),
      ),
    ]),
  )
  return largest(sums, k, compareCells)
}

/** A sum before any rounding: its units, or what is not finite. */
const exactSum = (type: TypeData, values: readonly Cell[]): Cell => special(values) ?? total(type, values)

/** Canonical JSON: the texts of the values in the order of their code units. */
function histogram(type: TypeData, values: readonly Cell[]): string {
  const counts = [...tally(values)].map(([value, count]) => [String(fromCell(type, value)), count] as const)
  return `{${counts
    .sort(([a], [b]) => compareCells(a, b))
    .map(([text, count]) => `${JSON.stringify(text)}:${count}`)
    .join(',')}}`
}

/** Type 7 of Hyndman and Fan, in the floating-point operations of NumPy: from the nearer neighbour, a share of the distance. */
function quantile(sorted: readonly number[], percentile: number): number {
  const rank = (sorted.length - 1) * percentile
  const below = sorted[Math.floor(rank)] as number
  const above = sorted[Math.ceil(rank)] as number
  const share = rank - Math.floor(rank)
  if (share === 0 || below === above) return below
  if (above - below === Infinity) return below * (1 - share) + above * share
  return share < 0.5 ? below + (above - below) * share : above - (above - below) * (1 - share)
}

/**
 * Sketches and decay are definitions of their own, with errors and roundings that are part of them: here, and only here,
 * the oracle asks the engine's algebra, in its plainest use: one event after the other.
 */
function folded(call: AggregateCall, given: readonly Contribution[], asOf: number): Cell {
  const description = aggregateFunctions[call.function]
  if (!description) throw new LockstepError('INVALID_DEFINITION', `There is no aggregate ${call.function}`)
  const aggregate = description.create(call.types, call.parameters)
  let state = aggregate.zero()
  for (const [index, { inputs, time }] of given.entries()) state = aggregate.add(state, inputs[0] ?? null, time, index, null)
  return aggregate.finish(state, asOf)
}
