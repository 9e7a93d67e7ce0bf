import { LockstepError } from '../../../errors.ts'
import type { LogRecord, NewRecord, RecordHeader } from '../../log.ts'
import type { Protocol } from './protocol.ts'

// The layout of a batch of records (magic 2), as https://kafka.apache.org/documentation/#recordbatch has it: where its fields begin.
const at = {
  offset: 0,
  length: 8,
  leaderEpoch: 12,
  magic: 16,
  checksum: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  sequence: 53,
  count: 57,
  records: 61,
} as const

const magic = 2
const compressionBits = 0b111
const takenByLogBit = 0b1000
const controlBit = 0b100000

/** Of a control record's key: the type that ends an aborted transaction. */
const abortMarker = 0

export interface BatchOrigin {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly sequence: number
  /** Milliseconds since the epoch. */
  readonly timestamp: number
}

/** An upper bound of the bytes that a record takes in a batch. */
export function recordBytes(record: NewRecord): number {
  let bytes = 40 + (record.key?.length ?? 0) + (record.value?.length ?? 0)
  for (const { name, value } of record.headers ?? []) bytes += 10 + name.length * 3 + value.length
  return bytes
}

/** One batch without compression; the log gives it its offset. */
export function encodeBatch(records: readonly NewRecord[], origin: BatchOrigin, crc32c: Protocol['crc32c']): Buffer {
  const batch = Buffer.allocUnsafe(records.reduce((bytes, record) => bytes + recordBytes(record), 0) + at.records)
  let end: number = at.records
  for (const [index, record] of records.entries()) end = writeRecord(batch, end, record, index)
  batch.writeBigInt64BE(0n, at.offset)
  batch.writeInt32BE(end - at.leaderEpoch, at.length)
  batch.writeInt32BE(-1, at.leaderEpoch)
  batch.writeInt8(magic, at.magic)
  batch.writeInt16BE(0, at.attributes)
  batch.writeInt32BE(records.length - 1, at.lastOffsetDelta)
  batch.writeBigInt64BE(BigInt(origin.timestamp), at.baseTimestamp)
  batch.writeBigInt64BE(BigInt(origin.timestamp), at.maxTimestamp)
  batch.writeBigInt64BE(origin.producerId, at.producerId)
  batch.writeInt16BE(origin.producerEpoch, at.producerEpoch)
  batch.writeInt32BE(origin.sequence, at.sequence)
  batch.writeInt32BE(records.length, at.count)
  batch.writeUInt32BE(crc32c(batch.subarray(at.attributes, end)), at.checksum)
  return batch.subarray(0, end)
}

function writeRecord(batch: Buffer, start: number, record: NewRecord, index: number): number {
  const headers = (record.headers ?? []).map(({ name, value }) => ({ name: Buffer.from(name), value }))
  let length = 2 + varintBytes(index) + fieldBytes(record.key) + fieldBytes(record.value) + varintBytes(headers.length)
  for (const { name, value } of headers) length += fieldBytes(name) + fieldBytes(value)
  let end = writeVarint(batch, start, length)
  batch[end++] = 0 // attributes
  batch[end++] = 0 // the timestamp is that of the batch
  end = writeVarint(batch, end, index)
  end = writeField(batch, end, record.key)
  end = writeField(batch, end, record.value)
  end = writeVarint(batch, end, headers.length)
  for (const { name, value } of headers) end = writeField(batch, writeField(batch, end, name), value)
  return end
}

const fieldBytes = (field: Uint8Array | null) => (field === null ? 1 : varintBytes(field.length) + field.length)

function writeField(batch: Buffer, start: number, field: Uint8Array | null): number {
  if (field === null) return writeVarint(batch, start, -1)
  const begin = writeVarint(batch, start, field.length)
  batch.set(field, begin)
  return begin + field.length
}

const zigzag = (value: number) => ((value << 1) ^ (value >> 31)) >>> 0

function varintBytes(value: number): number {
  const bits = 32 - Math.clz32(zigzag(value))
  return bits === 0 ? 1 : Math.ceil(bits / 7)
}

function writeVarint(batch: Buffer, start: number, value: number): number {
  let rest = zigzag(value)
  let end = start
  for (; rest > 0x7f; rest >>>= 7) batch[end++] = (rest & 0x7f) | 0x80
  batch[end++] = rest
  return end
}

export interface DecodedBatches {
  readonly records: LogRecord[]
  /** The offset behind the last whole batch; `from` where there is none. */
  readonly next: number
}

export interface DecodeOptions {
  readonly partition: number
  /** Records before this offset are left out: a batch is given whole. */
  readonly from: number
  /** The moment of the record before, in microseconds. */
  readonly takenFrom: number
  /** The transactions that were aborted, by their producers; their records are left out. */
  readonly aborted: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[]
}

/**
 * The records of some batches; a last one that is cut short is left out. Keys and values are views of `bytes`. Throws
 * `STORE_CORRUPT` where the checksum of a batch is wrong.
 */
export function decodeBatches(bytes: Buffer, options: DecodeOptions, protocol: Protocol): DecodedBatches {
  const records: LogRecord[] = []
  const open = new AbortedTransactions(options.aborted)
  let { from: next, takenFrom: taken } = options
  for (let start = 0; start + at.records <= bytes.length; ) {
    const length = bytes.readInt32BE(start + at.length)
    const end = start + at.leaderEpoch + length
    if (end > bytes.length) break
    const batch = bytes.subarray(start, end)
    start = end
    const first = Number(batch.readBigInt64BE(at.offset))
    const broken = (why: string) =>
      new LockstepError('STORE_CORRUPT', `The batch at offset ${first} of partition ${options.partition} ${why}`)
    if (batch.readInt8(at.magic) !== magic) throw broken(`is of format ${batch.readInt8(at.magic)}, which is older than Kafka 0.11`)
    if (protocol.crc32c(batch.subarray(at.attributes)) !== batch.readUInt32BE(at.checksum)) throw broken('has a wrong checksum')
    const attributes = batch.readInt16BE(at.attributes)
    next = Math.max(next, first + batch.readInt32BE(at.lastOffsetDelta) + 1)
    const content = contentOf(batch, attributes, protocol)
    if ((attributes & controlBit) !== 0) {
      const key = readRecords(content, 1, (record) => record.key)[0]
      if (key?.[3] === abortMarker) open.end(batch.readBigInt64BE(at.producerId))
      continue
    }
    if (open.holds(batch.readBigInt64BE(at.producerId), first)) continue
    const base = Number(batch.readBigInt64BE(at.baseTimestamp))
    const takenByLog = (attributes & takenByLogBit) !== 0 ? Number(batch.readBigInt64BE(at.maxTimestamp)) : undefined
    readRecords(content, batch.readInt32BE(at.count), ({ key, value, headers, offsetDelta, timestampDelta }) => {
      const micros = (takenByLog ?? base + timestampDelta) * 1000
      if (micros > taken && Number.isSafeInteger(micros)) taken = micros
      const offset = first + offsetDelta
      if (offset >= options.from) records.push({ partition: options.partition, offset, key, value, headers, taken })
    })
  }
  return { records, next }
}

function contentOf(batch: Buffer, attributes: number, protocol: Protocol): Buffer {
  const content = batch.subarray(at.records)
  const compression = attributes & compressionBits
  if (compression === 0) return content
  const algorithm = protocol.compressionsAlgorithmsByBitmask[compression as 1]
  if (algorithm === undefined) throw new LockstepError('STORE_CORRUPT', `A batch is compressed in an unknown way (${compression})`)
  return algorithm.decompressSync(content)
}

/** Which transactions are open and will be aborted, as the batches of a partition go by. */
class AbortedTransactions {
  readonly #waiting: { readonly producerId: bigint; readonly firstOffset: bigint }[]
  readonly #open = new Set<bigint>()

  constructor(aborted: DecodeOptions['aborted']) {
    this.#waiting = aborted.toSorted((a, b) => Number(b.firstOffset - a.firstOffset))
  }

  holds(producerId: bigint, offset: number): boolean {
    if (this.#waiting.length === 0 && this.#open.size === 0) return false
    for (let last = this.#waiting.at(-1); last !== undefined && last.firstOffset <= offset; last = this.#waiting.at(-1)) {
      this.#open.add(last.producerId)
      this.#waiting.pop()
    }
    return this.#open.has(producerId)
  }

  end(producerId: bigint): void {
    this.#open.delete(producerId)
  }
}

interface RawRecord {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly RecordHeader[]
  readonly offsetDelta: number
  readonly timestampDelta: number
}

const noHeaders: readonly RecordHeader[] = []

function readRecords<T>(content: Buffer, count: number, take: (record: RawRecord) => T): T[] {
  const input = new VarintReader(content)
  const results: T[] = []
  for (let index = 0; index < count; index++) {
    const length = input.number()
    const end = input.position + length
    input.position += 1 // attributes
    const timestampDelta = input.number()
    const offsetDelta = input.number()
    const key = input.field()
    const value = input.field()
    const headerCount = input.number()
    const headers =
      headerCount === 0
        ? noHeaders
        : Array.from({ length: headerCount }, () => {
            const name = input.field()
            return { name: name === null ? '' : Buffer.from(name).toString(), value: input.field() ?? new Uint8Array() }
          })
    results.push(take({ key, value, headers, offsetDelta, timestampDelta }))
    input.position = end
  }
  return results
}

class VarintReader {
  position = 0
  readonly #bytes: Buffer

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** A zigzag varint; exact within 2^53, which offsets and lengths are. */
  number(): number {
    const bytes = this.#bytes
    let byte = bytes[this.position++] as number
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1)
    let value = byte & 0x7f
    let scale = 0x80
    do {
      byte = bytes[this.position++] as number
      value += (byte & 0x7f) * scale
      scale *= 0x80
    } while (byte >= 0x80)
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  field(): Uint8Array | null {
    const length = this.number()
    if (length < 0) return null
    const start = this.position
    this.position += length
    return this.#bytes.subarray(start, this.position)
  }
}
