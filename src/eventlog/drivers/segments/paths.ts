import { join } from 'node:path'
import { LockstepError } from '../../../errors.ts'
import type { Disk } from '../../../lib/disk.ts'

/** A name of any characters as one that a file can have. */
export function fileName(name: string): string {
  const safe = encodeURIComponent(name).replaceAll(/[.*~!'()]/g, (each) => `%${each.charCodeAt(0).toString(16)}`)
  if (safe.length > 0 && safe.length <= 200) return safe
  throw new LockstepError('INVALID_ARGUMENT', `${JSON.stringify(name)} is too short or too long for a name`)
}

/** The file of the segment that begins with an offset. */
export const segmentPath = (folder: string, base: number): string => join(folder, `${String(base).padStart(16, '0')}.log`)
export const indexPath = (folder: string, base: number): string => join(folder, `${String(base).padStart(16, '0')}.index`)

/** The offsets with which the segments of a partition begin, in order. */
export async function segmentBases(disk: Disk, folder: string): Promise<number[]> {
  const names = await disk.list(folder)
  return names
    .filter((name) => /^\d{16}\.log$/.test(name))
    .map((name) => Number(name.slice(0, 16)))
    .sort((a, b) => a - b)
}
