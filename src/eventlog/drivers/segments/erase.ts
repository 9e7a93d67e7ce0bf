import { crc32 } from 'node:zlib'
import type { Disk, DiskFile } from '../../../lib/disk.ts'
import { erasedByte } from '../../erased.ts'
import type { LogRecord } from '../../log.ts'
import { headerBytes, isWhole, readHeader } from './block.ts'
import { segmentBases, segmentPath } from './paths.ts'
import { BlockRecords } from './records.ts'
import { brokenSegment } from './scan.ts'

export type RecordTest = (record: LogRecord) => boolean | Promise<boolean>

/** A segment that is read whole: 64 MiB at most, as they are made. */
interface Segment {
  readonly base: number
  readonly bytes: Buffer
  readonly blocks: readonly { readonly at: number; readonly end: number; readonly records: readonly LogRecord[] }[]
}

/** The segments that hold such records, and how many. */
export async function findRecords(
  disk: Disk,
  folder: string,
  partition: number,
  end: { readonly segment: number; readonly position: number },
  test: RecordTest,
): Promise<Map<number, number>> {
  const found = new Map<number, number>()
  for (const base of await segmentBases(disk, folder)) {
    if (base > end.segment) continue
    const { blocks } = await readSegment(disk, folder, base, partition, base === end.segment ? end.position : null)
    let count = 0
    for (const { records } of blocks) for (const record of records) if (await test(record)) count++
    if (count > 0) found.set(base, count)
  }
  return found
}

/**
 * Writes a segment that nobody appends to any more again, with these records overwritten: each keeps its place and its length, so
 * that every position that a process knows holds on. The new file takes the place of the old one at once.
 */
export async function eraseInSegment(disk: Disk, folder: string, base: number, partition: number, test: RecordTest): Promise<void> {
  const { bytes, blocks } = await readSegment(disk, folder, base, partition, null)
  for (const { at, end, records } of blocks) {
    let touched = false
    for (const record of records) {
      if (!(await test(record))) continue
      for (const part of [record.key, record.value, ...record.headers.map(({ value }) => value)]) part?.fill(erasedByte)
      touched = true
    }
    if (touched) bytes.writeUInt32LE(crc32(bytes.subarray(at + 12, end)), at + 8)
  }
  const path = segmentPath(folder, base)
  const file = await disk.create(`${path}.erasing`)
  try {
    await file.truncate(0)
    await file.write(0, bytes)
    await file.sync()
  } finally {
    await file.close()
  }
  await disk.rename(`${path}.erasing`, path)
  await disk.syncFolder(folder)
}

/** Removes what an erasure that was killed has left. */
export async function clearErasing(disk: Disk, folder: string): Promise<void> {
  for (const name of await disk.list(folder)) if (name.endsWith('.erasing')) await disk.remove(`${folder}/${name}`)
}

async function readSegment(disk: Disk, folder: string, base: number, partition: number, until: number | null): Promise<Segment> {
  const path = segmentPath(folder, base)
  const file = await disk.open(path)
  const bytes = file === null ? Buffer.alloc(0) : await readAll(file, until)
  const blocks: { at: number; end: number; records: LogRecord[] }[] = []
  for (let at = 0; at < bytes.length; ) {
    const header = readHeader(bytes, at)
    if (header === null || !isWhole(bytes, at, header)) throw brokenSegment(path, at)
    const end = at + headerBytes + header.bodyBytes
    const reader = new BlockRecords(bytes, at, header, partition)
    blocks.push({ at, end, records: Array.from({ length: header.count }, () => reader.next()) })
    at = end
  }
  return { base, bytes, blocks }
}

async function readAll(file: DiskFile, until: number | null): Promise<Buffer> {
  try {
    const bytes = Buffer.allocUnsafeSlow(until ?? (await file.size()))
    return bytes.subarray(0, await file.read(0, bytes))
  } finally {
    await file.close()
  }
}
