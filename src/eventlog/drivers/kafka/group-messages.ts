import type { Claim } from './assignment.ts'
import type { Protocol } from './protocol.ts'

// What the members of a group tell one another by way of the coordinator, in the forms of Kafka's consumers, so that Kafka's tools can
// show it: https://github.com/apache/kafka/tree/trunk/clients/src/main/resources/common/message, ConsumerProtocolSubscription and
// ConsumerProtocolAssignment.

/** With what a member has, and the generation that gave it. */
const subscriptionVersion = 2
const assignmentVersion = 0

export function encodeSubscription(protocol: Protocol, topic: string, claim: Omit<Claim, 'member'>): Buffer {
  return protocol.Writer.create()
    .appendInt16(subscriptionVersion)
    .appendArray([topic], (writer, name) => writer.appendString(name, false), false, false)
    .appendInt32(-1) // no data of users
    .appendArray([topic], (writer, name) => appendPartitions(writer, name, claim.partitions), false, false)
    .appendInt32(claim.generation).buffer
}

export function decodeSubscription(protocol: Protocol, member: string, topic: string, bytes: Buffer | null): Claim {
  if (bytes === null) return { member, partitions: [], generation: -1 }
  const reader = protocol.Reader.from(bytes)
  const version = reader.readInt16()
  reader.readArray((entry) => entry.readString(false), false, false)
  reader.readNullableBytes(false)
  const owned = version >= 1 ? readPartitions(reader, topic) : []
  return { member, partitions: owned, generation: version >= 2 ? reader.readInt32() : -1 }
}

export function encodeAssignment(protocol: Protocol, topic: string, partitions: readonly number[]): Buffer {
  return protocol.Writer.create()
    .appendInt16(assignmentVersion)
    .appendArray([topic], (writer, name) => appendPartitions(writer, name, partitions), false, false)
    .appendInt32(-1).buffer
}

export function decodeAssignment(protocol: Protocol, topic: string, bytes: Buffer): number[] {
  if (bytes.length === 0) return []
  const reader = protocol.Reader.from(bytes)
  reader.readInt16()
  return readPartitions(reader, topic)
}

function appendPartitions(writer: InstanceType<Protocol['Writer']>, topic: string, partitions: readonly number[]): void {
  writer.appendString(topic, false).appendArray([...partitions], (entry, partition) => entry.appendInt32(partition), false, false)
}

function readPartitions(reader: InstanceType<Protocol['Reader']>, topic: string): number[] {
  const topics = reader.readArray(
    (entry) => ({ name: entry.readString(false), partitions: entry.readArray((inner) => inner.readInt32(), false, false) }),
    false,
    false,
  )
  return topics.find(({ name }) => name === topic)?.partitions ?? []
}
