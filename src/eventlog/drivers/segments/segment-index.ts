import type { Disk, DiskFile } from '../../../lib/disk.ts'
import { headerBytes, readHeader } from './block.ts'
import { indexPath } from './paths.ts'

/** About one entry for so many bytes of a segment: what a seek reads at most before it is there. */
export const indexEvery = 256 * 1024
const entryBytes = 16

interface Entry {
  readonly offset: number
  readonly position: number
}

export async function appendIndex(index: DiskFile, { offset, position }: Entry): Promise<void> {
  const bytes = Buffer.alloc(entryBytes)
  bytes.writeDoubleLE(offset, 0)
  bytes.writeDoubleLE(position, 8)
  await index.write(await index.size(), bytes)
}

/** Where in a segment to begin looking for an offset: a block that begins with it or before it, at best the last such block. */
export async function seekInSegment(disk: Disk, folder: string, base: number, file: DiskFile, offset: number): Promise<number> {
  const entries = await readIndex(disk, indexPath(folder, base))
  const candidate = entries.findLast((entry) => entry.offset <= offset)
  if (candidate === undefined) return 0
  const bytes = Buffer.alloc(headerBytes)
  await file.read(candidate.position, bytes)
  return readHeader(bytes, 0)?.offset === candidate.offset ? candidate.position : 0
}

async function readIndex(disk: Disk, path: string): Promise<Entry[]> {
  const file = await disk.open(path)
  if (file === null) return []
  try {
    const bytes = Buffer.alloc(await file.size())
    const length = await file.read(0, bytes)
    return Array.from({ length: Math.floor(length / entryBytes) }, (_, index) => ({
      offset: bytes.readDoubleLE(index * entryBytes),
      position: bytes.readDoubleLE(index * entryBytes + 8),
    }))
  } finally {
    await file.close()
  }
}
