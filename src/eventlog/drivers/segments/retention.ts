import type { Micros } from '../../../lib/moment.ts'
import { headerBytes, readHeader } from './block.ts'
import type { End } from './ends.ts'
import { indexPath, segmentBases, segmentPath } from './paths.ts'
import type { Settings } from './settings.ts'

/**
 * Removes the segments of a partition that retention lets go of, never the last one. Resolves to the offset of the first record
 * that is kept.
 */
export async function expireSegments(settings: Settings, folder: string, end: End, now: Micros): Promise<number> {
  const { bytes, age } = settings.retention
  if (bytes === Number.POSITIVE_INFINITY && age === Number.POSITIVE_INFINITY) return end.first
  const bases = (await segmentBases(settings.disk, folder)).filter((base) => base <= end.segment)
  const segments = await Promise.all(bases.map((base) => measured(settings, folder, base)))
  let kept = segments.reduce((sum, { size }) => sum + size, 0)
  for (const [at, { base, size }] of segments.entries()) {
    const following = segments[at + 1]
    if (following === undefined) break
    // All records of a segment are older than the first one of the next.
    const old = following.since !== null && now - following.since >= age
    if (!old && kept - size < bytes) return base
    await settings.disk.remove(segmentPath(folder, base))
    await settings.disk.remove(indexPath(folder, base))
    kept -= size
  }
  return end.segment
}

async function measured({ disk }: Settings, folder: string, base: number): Promise<{ base: number; size: number; since: Micros | null }> {
  const file = await disk.open(segmentPath(folder, base))
  if (file === null) return { base, size: 0, since: null }
  try {
    const header = Buffer.alloc(headerBytes)
    await file.read(0, header)
    return { base, size: await file.size(), since: readHeader(header, 0)?.taken ?? null }
  } finally {
    await file.close()
  }
}
