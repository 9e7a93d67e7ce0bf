/** What a member of a group says of itself when the partitions are dealt. */
export interface Claim {
  readonly member: string
  /** What it has now. */
  readonly partitions: readonly number[]
  /** Of the dealing that gave it these; -1 where it has none. */
  readonly generation: number
}

/**
 * Deals partitions so that each member gets its share, the shares differ by one at most, and as few as can be change hands. A
 * partition that has to change hands goes to nobody yet: its owner gives it back first, and the next dealing gives it to another.
 */
export function deal(claims: readonly Claim[], partitions: number): Map<string, number[]> {
  const owners = ownersOf(claims, partitions)
  const owned = new Map<string, number[]>(claims.map(({ member }) => [member, []]))
  for (const [partition, member] of owners) owned.get(member)?.push(partition)
  // Those who have the most get the shares that are larger by one, so that nothing moves without need.
  const members = [...owned].sort(([a, mine], [b, theirs]) => theirs.length - mine.length || (a < b ? -1 : 1))
  const least = Math.floor(partitions / members.length)
  const larger = partitions % members.length
  const free = Array.from({ length: partitions }, (_, partition) => partition).filter((partition) => !owners.has(partition))
  const shares = new Map<string, number[]>()
  for (const [index, [member, mine]] of members.entries()) {
    const share = least + (index < larger ? 1 : 0)
    const kept = mine.sort((a, b) => a - b).slice(0, share)
    shares.set(member, [...kept, ...free.splice(0, share - kept.length)])
  }
  return shares
}

/** Who has each partition. Where two say so, the one who was dealt it last: the other was taken for dead. */
function ownersOf(claims: readonly Claim[], partitions: number): Map<number, string> {
  const owners = new Map<number, string>()
  for (const { member, partitions: claimed } of claims.toSorted((a, b) => a.generation - b.generation || (a.member < b.member ? 1 : -1))) {
    for (const partition of claimed) if (partition >= 0 && partition < partitions) owners.set(partition, member)
  }
  return owners
}
