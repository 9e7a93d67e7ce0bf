import { type Edge, longestEdge } from './edges.ts'
import type { GroupRows } from './group-rows.ts'

/** Keys and moments at which every path is asked for the values of a group, each once, in order of key and moment. */
export interface Questions {
  readonly count: number
  /** The place of the key. */
  readonly keys: Int32Array
  /** Microseconds. */
  readonly at: Float64Array
}

export interface QuestionOptions {
  /** Rows whose edges are asked about. */
  readonly sample: number
  readonly edges: readonly Edge[]
  /** Moments at which stores are filled: asked about as well, and a little before and after. */
  readonly checkpoints: readonly number[]
  readonly lateness: number
  /** Whole numbers from 0 up to but not including `below`. */
  readonly random: (below: number) => number
}

/** One question in so many is asked of a key that no row has, and one of another key than the row's. */
const strangerEvery = 40
/** One sampled row in so many is also asked about at the checkpoints. */
const checkpointEvery = 4

/** Around each edge of the sampled rows, at the checkpoints, and at random moments. */
export function chooseQuestions(rows: GroupRows, options: QuestionOptions): Questions {
  const { sample, edges, checkpoints, lateness, random } = options
  const keys: number[] = []
  const at: number[] = []
  const ask = (key: number, moment: number) => {
    keys.push(key)
    at.push(moment)
  }
  const { first, last } = span(rows.times)
  const longest = Math.max(1, longestEdge(edges, last))
  const between = (from: number, to: number) => from + random(Math.max(1, to - from))
  for (const [place, row] of sampled(rows.rows.length, sample, random).entries()) {
    const key = rows.keyOf[row] as number
    const time = rows.times[row] as number
    for (const edge of edges) for (const aside of [-1, 0, 1]) ask(key, edge(time) + aside)
    ask(key, between(time, time + longest))
    ask(key, between(first, last + longest))
    if (place % strangerEvery === 0) {
      ask(rows.keys.length - 1, between(first, last + longest))
      ask(random(rows.known), time + 1)
    }
    if (place % checkpointEvery === 0) {
      for (const checkpoint of checkpoints) {
        for (const aside of [-lateness, -1, 0, 1]) ask(key, checkpoint + aside)
        ask(key, between(checkpoint - lateness, checkpoint + longest))
      }
    }
  }
  return sorted(keys, at)
}

/** Some of the places from 0 to `count - 1`, each at most once; all of them where so many are asked for. */
function sampled(count: number, wanted: number, random: (below: number) => number): Int32Array {
  const places = Int32Array.from({ length: count }, (_, place) => place)
  const chosen = Math.min(count, wanted)
  for (let place = 0; place < chosen; place++) {
    const other = place + random(count - place)
    const swapped = places[place] as number
    places[place] = places[other] as number
    places[other] = swapped
  }
  return places.subarray(0, chosen)
}

export function span(times: Float64Array): { first: number; last: number } {
  let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const time of times) {
    first = Math.min(first, time)
    last = Math.max(last, time)
  }
  return { first, last }
}

function sorted(keys: readonly number[], at: readonly number[]): Questions {
  const order = Int32Array.from(keys, (_, place) => place)
  order.sort((a, b) => (keys[a] as number) - (keys[b] as number) || (at[a] as number) - (at[b] as number))
  const kept = order.filter((place, index) => {
    const before = order[index - 1]
    return before === undefined || keys[before] !== keys[place] || at[before] !== at[place]
  })
  return {
    count: kept.length,
    keys: Int32Array.from(kept, (place) => keys[place] as number),
    at: Float64Array.from(kept, (place) => at[place] as number),
  }
}
