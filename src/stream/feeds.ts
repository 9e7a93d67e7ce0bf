import type { FeatureGroupData, SourceData, StreamData } from '../definition/index.ts'
import { ByteWriter } from '../lib/bytes.ts'
import { type Cell, keyEncoder, type TypeData } from '../schema/index.ts'
import type { StreamEvent } from './stream-event.ts'

/** A topic as some groups of a source need it: partitioned by their keys. */
export interface Feed {
  readonly source: SourceData
  readonly stream: StreamData
  /** The source's own topic, or an internal one that routers fill. */
  readonly topic: string
  /** The source columns by which it is partitioned, in alphabetical order. */
  readonly columns: readonly string[]
  readonly groups: readonly FeatureGroupData[]
  /** The bytes that decide the partition of an event. */
  readonly keyOf: (event: StreamEvent) => Uint8Array
}

/** The feeds that these groups need; of every source also its own topic, where nobody reads it as it is. */
export function feedsOf(groups: readonly FeatureGroupData[]): Feed[] {
  const sources = new Map<string, { source: SourceData; stream: StreamData; groups: FeatureGroupData[] }>()
  for (const group of groups) {
    const { source } = group
    if (source.stream === null) continue
    const entry = sources.get(source.name) ?? { source, stream: source.stream, groups: [] }
    entry.groups.push(group)
    sources.set(source.name, entry)
  }
  return [...sources.values()].flatMap(({ source, stream, groups: own }) => {
    const direct = [...stream.key].sort()
    const byColumns = Map.groupBy(own, (group) => Object.values<string>(group.keys).sort().join('-'))
    if (!byColumns.has(direct.join('-'))) byColumns.set(direct.join('-'), [])
    return [...byColumns].map(([name, members]): Feed => {
      const columns = members[0] ? Object.values<string>(members[0].keys).sort() : direct
      const topic = name === direct.join('-') ? stream.topic : `${stream.topic}.by.${name}`
      return { source, stream, topic, columns, groups: members, keyOf: keyOf(source, columns) }
    })
  })
}

function keyOf(source: SourceData, columns: readonly string[]): (event: StreamEvent) => Uint8Array {
  const names = Object.keys(source.columns)
  const places = columns.map((name) => names.indexOf(name))
  const encode = keyEncoder(columns.map((name) => source.columns[name] as TypeData))
  const writer = new ByteWriter()
  return ({ cells }) => {
    encode(
      places.map((place) => cells[place] as Cell),
      writer.clear(),
    )
    return writer.finish()
  }
}
