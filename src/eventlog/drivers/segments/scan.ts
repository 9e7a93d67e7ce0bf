import { LockstepError } from '../../../errors.ts'
import type { DiskFile } from '../../../lib/disk.ts'
import type { Micros } from '../../../lib/moment.ts'
import { findMagic, headerBytes, isWhole, readHeader } from './block.ts'

const chunkBytes = 1024 * 1024

/** What a segment holds from a position on. */
export interface Scanned {
  /** Where its last whole block ends. */
  readonly position: number
  /** The offset after its last record; null where there is none. */
  readonly next: number | null
  /** When the log took its last record. */
  readonly taken: Micros
  /** Something that is no block follows. */
  readonly torn: boolean
}

/**
 * Goes through the blocks of a segment up to its end or to the first that is not whole. A torn write is no fault: it was not
 * acknowledged. Throws `STORE_CORRUPT` where the broken block is known to have been on the disk, as a later one says.
 */
export async function scanSegment(file: DiskFile, from: number, path: string): Promise<Scanned> {
  const size = await file.size()
  let [position, next, taken] = [from, null as number | null, 0]
  for (let wanted = chunkBytes; position < size; ) {
    const chunk = await readAt(file, position, Math.min(wanted, size - position))
    let at = 0
    for (;;) {
      const header = readHeader(chunk, at)
      if (header === null || !isWhole(chunk, at, header) || (next !== null && header.offset < next)) break
      at += headerBytes + header.bodyBytes
      next = header.offset + header.count
      taken = header.taken + header.count - 1
    }
    position += at
    if (at > 0) {
      wanted = chunkBytes
      continue
    }
    // The block may be longer than the chunk.
    const header = readHeader(chunk, 0)
    const length = header === null ? 0 : headerBytes + header.bodyBytes
    if (length <= chunk.length || position + length > size) break
    wanted = length
  }
  if (position < size) await checkTorn(file, position, size, path)
  return { position, next, taken, torn: position < size }
}

/** A block behind the torn one that was written when the torn one was on the disk already is a proof that it is broken, not torn. */
async function checkTorn(file: DiskFile, position: number, size: number, path: string): Promise<void> {
  const rest = await readAt(file, position, size - position)
  for (let at = findMagic(rest, 1); at >= 0; at = findMagic(rest, at + 1)) {
    const header = readHeader(rest, at)
    if (header === null || header.durable <= position || header.durable > position + at || !isWhole(rest, at, header)) continue
    throw brokenSegment(path, position)
  }
}

export const brokenSegment = (path: string, position: number): LockstepError =>
  new LockstepError('STORE_CORRUPT', `The event log is broken: what is stored at byte ${position} is not what was written`, {
    where: path,
    remedy: 'Restore the file from a copy, or remove the topic and fill it again from history.',
  })

async function readAt(file: DiskFile, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(length)
  return bytes.subarray(0, await file.read(position, bytes))
}
