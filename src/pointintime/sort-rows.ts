/** Shifts a row that insertion may cost on average before merging takes over. */
const shiftsPerRow = 4

/**
 * The order of rows by time, and for equal times by `ties` (below 0 where its first row comes first), as a permutation;
 * null where they are in order already. Stable. Histories come nearly in order, so rows are first inserted where they
 * belong, which is linear for those; what is far from order goes to a natural merge sort.
 */
export function sortedOrder(times: Float64Array, ties: ((a: number, b: number) => number) | null): Uint32Array | null {
  const count = times.length
  const follows = (a: number, b: number): boolean => {
    const before = times[a] as number
    const after = times[b] as number
    return before > after || (before === after && ties !== null && ties(a, b) > 0)
  }
  let next = 1
  while (next < count && !follows(next - 1, next)) next++
  if (next >= count) return null
  const order = new Uint32Array(count)
  for (let row = 0; row < count; row++) order[row] = row
  let shifts = count * shiftsPerRow
  for (; next < count; next++) {
    let place = next
    while (place > 0 && follows(order[place - 1] as number, next)) {
      order[place] = order[place - 1] as number
      place--
    }
    order[place] = next
    shifts -= next - place
    if (shifts < 0) return mergeRuns(order, follows)
  }
  return order
}

/** Finds the runs that are there and merges them two by two. */
function mergeRuns(order: Uint32Array, follows: (a: number, b: number) => boolean): Uint32Array {
  const count = order.length
  let ends: number[] = []
  for (let place = 1; place < count; place++) if (follows(order[place - 1] as number, order[place] as number)) ends.push(place)
  ends.push(count)
  let from: Uint32Array = order
  let into: Uint32Array = new Uint32Array(count)
  while (ends.length > 1) {
    const merged: number[] = []
    let start = 0
    for (let run = 0; run < ends.length; run += 2) {
      const middle = ends[run] as number
      const end = ends[run + 1] ?? middle
      let left = start
      let right = middle
      for (let place = start; place < end; place++) {
        const takeRight = right < end && (left === middle || follows(from[left] as number, from[right] as number))
        into[place] = from[takeRight ? right++ : left++] as number
      }
      merged.push(end)
      start = end
    }
    ;[from, into] = [into, from]
    ends = merged
  }
  return from
}
