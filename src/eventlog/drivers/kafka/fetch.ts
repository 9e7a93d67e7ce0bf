import type { Reader, Writer } from '@platformatic/kafka'
import type { Api } from './link.ts'
import type { Protocol } from './protocol.ts'

export interface FetchWish {
  readonly partition: number
  readonly offset: number
}

export interface FetchRequest {
  readonly topic: { readonly name: string; readonly id: string }
  readonly wishes: readonly FetchWish[]
  /** How long the broker waits for the first byte, in milliseconds. */
  readonly wait: number
  readonly bytes: number
  readonly bytesOfPartition: number
}

export interface FetchedPartition {
  readonly partition: number
  readonly errorCode: number
  readonly aborted: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[]
  /** Batches as the log has them; empty where there is nothing new. */
  readonly batches: Buffer
}

export interface FetchAnswer {
  readonly errorCode: number
  readonly partitions: readonly FetchedPartition[]
}

const leastBytes = 1
/** Only what transactions have committed. */
const readCommitted = 1
/** No session is kept up: every request says all. */
const noSession = [0, -1] as const
/** Since this version a topic is told by its identity. */
const versionWithIds = 13

/** Reads batches of one topic. The library's own parser would decode record by record. */
export function fetchApis(protocol: Protocol): Api<[request: FetchRequest], FetchAnswer>[] {
  const { fetchV17, fetchV16, fetchV15, fetchV14, fetchV13, fetchV12 } = protocol
  return [fetchV17, fetchV16, fetchV15, fetchV14, fetchV13, fetchV12].map(({ api: { key, version }, createRequest }) => {
    const ask = ({ topic, wishes, wait, bytes, bytesOfPartition }: FetchRequest): Writer => {
      const partitions = wishes.map(({ partition, offset }) => ({
        partition,
        currentLeaderEpoch: -1,
        fetchOffset: BigInt(offset),
        lastFetchedEpoch: -1,
        partitionMaxBytes: bytesOfPartition,
      }))
      const topics = [{ topicId: version < versionWithIds ? topic.name : topic.id, partitions }]
      return createRequest(wait, leastBytes, bytes, readCommitted, ...noSession, topics, [], '')
    }
    const parse = (_correlation: number, _key: number, _version: number, reader: Reader): FetchAnswer => {
      reader.readInt32() // the time that a quota made it wait
      const errorCode = reader.readInt16()
      reader.readInt32() // the session
      const topics = reader.readArray((entry) => {
        if (version < versionWithIds) entry.readString()
        else entry.readUUID()
        return entry.readArray(fetchedPartition)
      })
      return { errorCode, partitions: topics.flat() }
    }
    return {
      key,
      version,
      async: (connection, request) =>
        new Promise((resolve, reject) => {
          connection.send<FetchAnswer>(
            key,
            version,
            () => ask(request),
            parse,
            true,
            true,
            (error, answer) => (error ? reject(error) : resolve(answer as FetchAnswer)),
          )
        }),
    }
  })
}

function fetchedPartition(reader: Reader): FetchedPartition {
  const partition = reader.readInt32()
  const errorCode = reader.readInt16()
  reader.skip(3 * 8) // high watermark, last stable offset, log start offset
  const aborted = reader.readArray((entry) => ({ producerId: entry.readInt64(), firstOffset: entry.readInt64() }))
  reader.readInt32() // the preferred replica
  return { partition, errorCode, aborted, batches: reader.readBytes() }
}
