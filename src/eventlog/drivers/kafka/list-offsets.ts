import type { PartitionOffsets } from '../../log.ts'
import type { Cluster } from './cluster.ts'
import { accept, Refusal } from './refusal.ts'

/** What stands for the ends of a partition in place of a moment. */
const ends = { first: -2n, next: -1n } as const
const noReplica = -1
const readUncommitted = 0

/** One attempt to learn where the partitions of a topic begin and end. */
export async function listOffsets(cluster: Cluster, topic: string): Promise<PartitionOffsets[]> {
  try {
    const { leaders } = await cluster.topicThere(topic)
    const [first, next] = await Promise.all([offsetsAt(cluster, topic, leaders, ends.first), offsetsAt(cluster, topic, leaders, ends.next)])
    return leaders.map((_, partition) => ({ partition, first: first.get(partition) ?? 0, next: next.get(partition) ?? 0 }))
  } catch (error) {
    cluster.forget(topic)
    throw error
  }
}

async function offsetsAt(cluster: Cluster, topic: string, leaders: readonly number[], timestamp: bigint): Promise<Map<number, number>> {
  const { listOffsetsV9, listOffsetsV8, listOffsetsV7, listOffsetsV6 } = cluster.protocol
  const apis = [listOffsetsV9.api, listOffsetsV8.api, listOffsetsV7.api, listOffsetsV6.api]
  const byLeader = Map.groupBy(leaders.keys(), (partition) => leaders[partition] as number)
  const found = new Map<number, number>()
  for (const [leader, partitions] of byLeader) {
    const link = await cluster.broker(leader)
    const wishes = partitions.map((partitionIndex) => ({ partitionIndex, currentLeaderEpoch: -1, timestamp }))
    const { topics } = await link.call(apis, noReplica, readUncommitted, [{ name: topic, partitions: wishes }])
    for (const { partitionIndex, errorCode, offset } of topics.flatMap((each) => each.partitions)) {
      accept(cluster.protocol, errorCode)
      found.set(partitionIndex, Number(offset))
    }
  }
  if (found.size < leaders.length) throw new Refusal(cluster.protocol, 'UNKNOWN_TOPIC_OR_PARTITION')
  return found
}
