/**
 * Who should have each partition: shares differ by one at most, and as few as can be change hands. Of the same owners and members
 * every member finds the same answer. Partitions are null that no member has.
 */
export function balance(owners: readonly (string | null)[], members: readonly string[]): (string | null)[] {
  if (members.length === 0) return owners.map(() => null)
  const sorted = [...members].sort()
  const least = Math.floor(owners.length / sorted.length)
  const counts = new Map(sorted.map((member) => [member, owners.filter((owner) => owner === member).length]))
  // Those that have more already are the first to be allowed one more than the rest.
  const byCount = [...sorted].sort((a, b) => (counts.get(b) ?? 0) - (counts.get(a) ?? 0))
  const shares = new Map(byCount.map((member, at) => [member, least + (at < owners.length - least * sorted.length ? 1 : 0)]))
  const kept = owners.map((owner) => {
    const share = (owner !== null && shares.get(owner)) || 0
    if (owner === null || share === 0) return null
    shares.set(owner, share - 1)
    return owner
  })
  const open = sorted.flatMap((member) => new Array<string>(shares.get(member) ?? 0).fill(member))
  return kept.map((owner) => owner ?? open.shift() ?? null)
}
