import type { LiveGroupOptions } from '../stream/index.ts'
import type { GroupRows } from './group-rows.ts'

/** An order in which the rows of a source arrive. */
export interface Arrivals {
  readonly name: string
  /** Rows by their places, as they arrive; a row that is delivered again stands there again. */
  readonly rows: Int32Array
  /** Before these places the process that takes them ends and another goes on; ascending. */
  readonly restarts: readonly Restart[]
  /** How the live state is kept in memory. */
  readonly state: LiveGroupOptions
}

export interface Restart {
  readonly before: number
  /** Whether it ended as it should, with all that it took stored. */
  readonly clean: boolean
}

type Random = (below: number) => number

/** One row in so many is delivered again. */
const againEvery = 5
const restartCount = 24
/** Rows are sealed soon, and keys of a few events are kept as large ones are. */
const restless: LiveGroupOptions = { recentEvents: 4, hotEvents: 16 }
/** Many keys do not stay in memory. */
const scarce = (rows: number): LiveGroupOptions => ({ maxBytes: 12 * rows, evaluatedEvents: Math.ceil(rows / 16) })

/**
 * The orders in which a source's rows are sent to the live path. All but the last are within the lateness that the source
 * declares, or are the order in which the rows became known.
 */
export function arrivalOrders(
  rows: GroupRows,
  source: { readonly id: readonly string[]; readonly known: string | null; readonly lateness: number },
  random: Random,
): Arrivals[] {
  const { times, knownAt } = rows
  const count = times.length
  const late = (row: number) => (times[row] as number) + (source.lateness === 0 ? 0 : random(source.lateness + 1))
  const steady = { restarts: [], state: {} }
  const orders: Arrivals[] = [
    { name: 'in order of event time', rows: sortedBy(count, (row) => times[row] as number, random), ...steady },
    { name: 'shuffled within the lateness', rows: sortedBy(count, late, random), restarts: [], state: restless },
  ]
  if (source.known !== null) {
    const known = (row: number) => Math.max(knownAt[row] as number, Number.MIN_SAFE_INTEGER)
    orders.push({ name: 'as they became known', rows: sortedBy(count, known, random), ...steady })
  }
  const shuffled = sortedBy(count, late, random)
  const delivered = source.id.length === 0 ? shuffled : deliveredAgain(shuffled, random)
  orders.push({
    name: source.id.length === 0 ? 'with restarts' : 'with duplicates and restarts',
    rows: delivered,
    restarts: restartsOf(delivered.length, random),
    state: scarce(count),
  })
  orders.push({ name: 'totally shuffled', rows: sortedBy(count, () => 0, random), ...steady })
  return orders
}

/** Rows in order of a number, those of equal numbers as chance has it. */
function sortedBy(count: number, numberOf: (row: number) => number, random: Random): Int32Array {
  const numbers = Float64Array.from({ length: count }, (_, row) => numberOf(row))
  const chance = Uint32Array.from({ length: count }, () => random(2 ** 32))
  return Int32Array.from({ length: count }, (_, row) => row).sort(
    (a, b) => (numbers[a] as number) - (numbers[b] as number) || (chance[a] as number) - (chance[b] as number),
  )
}

/** Some rows once more: most of them soon, some at any later time. */
function deliveredAgain(rows: Int32Array, random: Random): Int32Array {
  const places: number[] = [...rows.keys()]
  const copies = [...rows.keys()].filter(() => random(againEvery) === 0)
  for (const place of copies)
    places.push(random(4) === 0 ? place + random(rows.length - place) : Math.min(rows.length - 1, place + random(20)))
  const sources = [...rows, ...copies.map((place) => rows[place] as number)]
  // A copy comes after the row whose place it was given.
  const order = Int32Array.from(sources.keys()).sort((a, b) => (places[a] as number) - (places[b] as number) || a - b)
  return order.map((index) => sources[index] as number)
}

function restartsOf(count: number, random: Random): Restart[] {
  const wanted = Math.min(restartCount, count - 1)
  const places = new Set(Array.from({ length: Math.max(0, wanted) }, () => 1 + random(count - 1)))
  return [...places].sort((a, b) => a - b).map((before) => ({ before, clean: random(3) === 0 }))
}

/** By arrival, the newest time of all rows up to it. */
export function newestSoFar(times: Float64Array, arrivals: Int32Array): Float64Array {
  let newest = Number.NEGATIVE_INFINITY
  return Float64Array.from(arrivals, (row) => {
    newest = Math.max(newest, times[row] as number)
    return newest
  })
}
