/** Below zero when `a` comes first: unsigned bytes from the left; of two where one begins the other, the shorter. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length)
  for (let at = 0; at < shared; at++) {
    const difference = (a[at] as number) - (b[at] as number)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

/** The items ordered by their bytes; items with equal bytes keep their order. Returns `items` itself when nothing has to move. */
export function sortedByBytes<T>(items: readonly T[], bytesOf: (item: T) => Uint8Array): readonly T[] {
  const bytes = items.map(bytesOf)
  if (bytes.every((one, at) => at === 0 || compareBytes(bytes[at - 1] as Uint8Array, one) <= 0)) return items
  const start = sharedLength(bytes)
  const heads = Float64Array.from(bytes, (one) => head(one, start))
  const order = Uint32Array.from(bytes, (_, at) => at)
  order.sort((a, b) => (heads[a] as number) - (heads[b] as number) || compareBytes(bytes[a] as Uint8Array, bytes[b] as Uint8Array) || a - b)
  return Array.from(order, (at) => items[at] as T)
}

/** How many bytes all of them begin with. */
function sharedLength(bytes: readonly Uint8Array[]): number {
  const first = bytes[0] as Uint8Array
  let shared = first.length
  for (const one of bytes) {
    let at = 0
    while (at < shared && at < one.length && one[at] === first[at]) at++
    shared = at
  }
  return shared
}

/** Six bytes from `start` on as a number, zeros past the end: it decides nearly every comparison without touching the bytes again. */
function head(bytes: Uint8Array, start: number): number {
  let value = 0
  for (let at = start; at < start + 6; at++) value = value * 256 + (bytes[at] ?? 0)
  return value
}
