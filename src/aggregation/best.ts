/** The `k` first elements by an order, first to last, without sorting the others. */
export function best<T>(elements: Iterable<T>, k: number, compare: (a: T, b: T) => number): T[] {
  const chosen: T[] = []
  for (const element of elements) {
    if (chosen.length === k && compare(chosen[k - 1] as T, element) <= 0) continue
    let low = 0
    let high = chosen.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (compare(chosen[middle] as T, element) <= 0) low = middle + 1
      else high = middle
    }
    chosen.splice(low, 0, element)
    if (chosen.length > k) chosen.pop()
  }
  return chosen
}
