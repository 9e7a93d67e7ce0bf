import type { Cluster } from './cluster.ts'
import { accept } from './refusal.ts'

/** One attempt to remove the records before some offsets of the partitions of a topic. */
export async function deleteRecords(cluster: Cluster, topic: string, before: ReadonlyMap<number, number>): Promise<void> {
  const { deleteRecordsV2, deleteRecordsV1, deleteRecordsV0 } = cluster.protocol
  const apis = [deleteRecordsV2.api, deleteRecordsV1.api, deleteRecordsV0.api]
  try {
    const { leaders } = await cluster.topicThere(topic)
    for (const [leader, partitions] of Map.groupBy(before.keys(), (partition) => leaders[partition] ?? -1)) {
      const link = await cluster.broker(leader)
      const wishes = partitions.map((partitionIndex) => ({ partitionIndex, offset: BigInt(before.get(partitionIndex) as number) }))
      const { topics } = await link.call(apis, [{ name: topic, partitions: wishes }], cluster.timeout)
      for (const { errorCode } of topics.flatMap((each) => each.partitions)) accept(cluster.protocol, errorCode)
    }
  } catch (error) {
    cluster.forget(topic)
    throw error
  }
}
