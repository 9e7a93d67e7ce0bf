import type { SourceData, StreamData } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { canonicalJson } from '../lib/canonical-json.ts'
import type { OnlineStore } from '../online/index.ts'
import { topicTable } from './tables.ts'
import { commitOf } from './unit-text.ts'

/**
 * Keeps what the stored positions of a source are counted in: its topic, and the columns by which that is partitioned. In another one the
 * same offsets are other events, which would count as seen. Throws `TOPIC_CHANGED`.
 */
export async function keepTopic(store: OnlineStore, { name, stream }: SourceData): Promise<void> {
  if (stream === null) return
  const [table, text] = [topicTable(name), canonicalJson(placeOf(stream))]
  for (;;) {
    const known = await store.readMeta(table)
    if (known === text) return
    if (known !== null) throw topicChanged(name, JSON.parse(known) as StreamPlace, stream)
    if (await commitOf(store)([{ table, expected: null, text }], [])) return
  }
}

type StreamPlace = Pick<StreamData, 'topic' | 'key'>

const placeOf = ({ topic, key }: StreamPlace): StreamPlace => ({ topic, key: [...key].sort() })

/** Whether offsets of one mean the same events in the other. */
export const isSameTopic = (one: StreamPlace, other: StreamPlace): boolean => canonicalJson(placeOf(one)) === canonicalJson(placeOf(other))

/** Says which topic the stored events of a source are of, and which one it has now. */
export function topicChanged(name: string, before: StreamPlace, after: StreamPlace): LockstepError {
  const shown = ({ topic, key }: StreamPlace) => `the topic ${topic} by ${key.join(', ')}`
  return new LockstepError('TOPIC_CHANGED', `What is stored of ${name} came from ${shown(before)}, not from ${shown(after)}`, {
    where: `source ${name}`,
    remedy: `Leave ${name} as it was; declare what comes from ${after.topic} as a source of another name, and read it in a new version of the groups.`,
  })
}
