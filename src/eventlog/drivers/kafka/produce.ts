import type { produceV11, Writer } from '@platformatic/kafka'
import type { Api } from './link.ts'
import type { Protocol } from './protocol.ts'

/** A batch on its way to a partition of one topic. */
export interface OutgoingBatch {
  readonly partition: number
  readonly bytes: Buffer
}

type ProduceResponse = produceV11.ProduceResponse

/** All replicas that are in sync have to have it. */
const allReplicas = -1

/** Appends batches of one topic; the broker may take so many milliseconds. The library's own request would encode record by record. */
export function produceApis(
  protocol: Protocol,
): Api<[topic: string, batches: readonly OutgoingBatch[], timeout: number], ProduceResponse>[] {
  const request = (topic: string, batches: readonly OutgoingBatch[], timeout: number): Writer =>
    protocol.Writer.create()
      .appendString(null) // no transaction
      .appendInt16(allReplicas)
      .appendInt32(timeout)
      .appendArray([topic], (writer) => {
        writer.appendString(topic).appendArray([...batches], (inner, { partition, bytes }) => {
          inner
            .appendInt32(partition)
            .appendUnsignedVarInt(bytes.length + 1)
            .append(bytes)
        })
      })
      .appendTaggedFields()
  return [protocol.produceV11, protocol.produceV10, protocol.produceV9].map(({ api: { key, version }, parseResponse }) => ({
    key,
    version,
    async: (connection, topic, batches, timeout) =>
      new Promise((resolve, reject) => {
        connection.send<ProduceResponse>(
          key,
          version,
          () => request(topic, batches, timeout),
          parseResponse,
          true,
          true,
          (error, response) => (error ? reject(error) : resolve(response as ProduceResponse)),
        )
      }),
  }))
}
