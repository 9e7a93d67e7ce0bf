/** ` (did you mean x?)` where one of the names is close to `name`, else the names there are (at most ten), else ''. */
export function suggestion(name: string, names: readonly string[]): string {
  const closest = closestName(name, names)
  if (closest !== null) return `; did you mean ${closest}?`
  if (names.length === 0) return ''
  return `; there are ${names.slice(0, 10).join(', ')}${names.length > 10 ? `, and ${names.length - 10} more` : ''}`
}

/** The name with the least edits from `name`, where these are at most a third of its length. */
export function closestName(name: string, names: readonly string[]): string | null {
  let best: string | null = null
  let least = Math.max(1, Math.floor(name.length / 3)) + 1
  for (const candidate of names) {
    const edits = editDistance(name.toLowerCase(), candidate.toLowerCase())
    if (edits < least) {
      least = edits
      best = candidate
    }
  }
  return best
}

/** Letters to insert, delete, replace or swap with their neighbour (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let [before, row]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, index) => index)]
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replace = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const swap = isSwap ? (before[j - 2] as number) + 1 : replace
      next.push(Math.min(replace, swap, (next[j - 1] as number) + 1, (row[j] as number) + 1))
    }
    ;[before, row] = [row, next]
  }
  return row[b.length] as number
}
