import type { Disk } from '../../../lib/disk.ts'
import { type End, nothingYet } from './ends.ts'
import { segmentBases, segmentPath } from './paths.ts'
import { brokenSegment, type Scanned, scanSegment } from './scan.ts'

/**
 * Finds where a partition ends, cuts off what a torn write has left, and syncs what is kept. `known` is where it ended as the
 * processes last told one another; null where that is lost.
 *
 * Records that were visible but not synced may be gone after a loss of power. Offsets that are known to have been theirs are not
 * given again: a reader that has seen them would miss the new ones.
 */
export async function recoverPartition(disk: Disk, folder: string, known: End | null): Promise<End> {
  const bases = await segmentBases(disk, folder)
  const first = bases[0]
  const last = bases.at(-1)
  if (known !== null && !(known.segment <= (last ?? -1))) throw brokenSegment(segmentPath(folder, known.segment), 0)
  if (first === undefined || last === undefined) return await begin(disk, folder)
  const from = known === null ? await lastFilled(disk, folder, bases) : bases.indexOf(known.segment)
  let [next, taken, position] = [known?.next ?? 0, known?.taken ?? 0, 0]
  for (const base of bases.slice(Math.max(0, from))) {
    const durable = base === known?.segment ? known.durable : 0
    const found = await repaired(disk, segmentPath(folder, base), durable, base === last)
    position = found.position
    next = Math.max(next, base, found.next ?? 0)
    taken = Math.max(taken, found.taken)
  }
  return { first, next, taken, segment: last, position, durable: position }
}

/** The place of the last segment that holds anything, of those before the last one, which may be empty. */
async function lastFilled(disk: Disk, folder: string, bases: readonly number[]): Promise<number> {
  for (let at = bases.length - 2; at > 0; at--) {
    const file = await disk.open(segmentPath(folder, bases[at] as number))
    const size = await file?.size()
    await file?.close()
    if (size !== undefined && size > 0) return at
  }
  return 0
}

/** What a segment holds, after its torn end was cut off. */
async function repaired(disk: Disk, path: string, from: number, last: boolean): Promise<Scanned> {
  const file = await disk.create(path)
  try {
    if ((await file.size()) < from) throw brokenSegment(path, from)
    const found = await scanSegment(file, from, path)
    if (found.torn) {
      if (!last) throw brokenSegment(path, found.position)
      await file.truncate(found.position)
    }
    if (found.torn || found.position > from) await file.sync()
    return found
  } finally {
    await file.close()
  }
}

/** An empty segment for the first records. */
async function begin(disk: Disk, folder: string): Promise<End> {
  const file = await disk.create(segmentPath(folder, nothingYet.segment))
  await file.close()
  await disk.syncFolder(folder)
  return nothingYet
}
