import { effectiveMoment, type FeatureGroupData } from '../definition/index.ts'
import { newestSoFar } from './arrivals.ts'
import type { GroupRows } from './group-rows.ts'
import type { KeyTimes } from './key-times.ts'
import type { Questions } from './questions.ts'

/** Between which arrivals each question can be asked: after the one at `first`, at the latest after the one at `last`; none where that is less. */
export interface AskTimes {
  readonly first: Int32Array
  readonly last: Int32Array
}

/**
 * A question can be asked once all versions of all events that any version puts before its moment have arrived, and as long as
 * the newest event that has arrived is no more than the lateness ahead of it.
 */
export function askTimes(
  group: FeatureGroupData,
  rows: GroupRows,
  keyTimes: KeyTimes,
  questions: Questions,
  arrivals: Int32Array,
): AskTimes {
  const completeAt = completeArrivals(rows, arrivals)
  const newest = newestSoFar(rows.times, arrivals)
  const first = new Int32Array(questions.count)
  const last = new Int32Array(questions.count)
  let key = -1
  let place = 0
  let ready = 0
  for (let question = 0; question < questions.count; question++) {
    if (questions.keys[question] !== key) {
      key = questions.keys[question] as number
      place = keyTimes.starts[key] as number
      ready = 0
    }
    const q = questions.at[question] as number
    const moment = effectiveMoment(group.refresh, q)
    const end = keyTimes.starts[key + 1] as number
    for (; place < end; place++) {
      const row = keyTimes.order[place] as number
      if ((rows.times[row] as number) >= moment) break
      ready = Math.max(ready, completeAt[rows.eventOf[row] as number] as number)
    }
    first[question] = ready
    last[question] = lastWithin(newest, q + group.source.lateness)
  }
  return { first, last }
}

/** By event, the arrival with which every version of it has arrived once; behind the last one where some never do. */
function completeArrivals(rows: GroupRows, arrivals: Int32Array): Int32Array {
  const arrivedAt = new Int32Array(rows.rows.length).fill(-1)
  for (const [place, row] of arrivals.entries()) if (arrivedAt[row] === -1) arrivedAt[row] = place
  const complete = new Int32Array(rows.rows.length)
  for (let row = 0; row < arrivedAt.length; row++) {
    const event = rows.eventOf[row] as number
    const at = arrivedAt[row] as number
    complete[event] = Math.max(complete[event] as number, at < 0 ? arrivals.length : at)
  }
  return complete
}

/** The last place whose number is not above the bound, -1 where none is; the numbers ascend. */
function lastWithin(ascending: Float64Array, bound: number): number {
  let low = 0
  let high = ascending.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((ascending[middle] as number) <= bound) low = middle + 1
    else high = middle
  }
  return low - 1
}
