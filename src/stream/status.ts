import type { FeatureGroupData } from '../definition/index.ts'
import type { EventLog } from '../eventlog/index.ts'
import type { Micros } from '../lib/moment.ts'
import type { LandedFile } from '../offline/index.ts'
import type { OnlineStore } from '../online/index.ts'
import { feedsOf } from './feeds.ts'
import { filledFrom } from './fill.ts'
import { fillTable, historyTable, unitTable } from './tables.ts'
import { parseUnitText, type UnitText } from './unit-text.ts'

/** How far the live path has come, as its workers last committed it. Moments in microseconds. */
export interface StreamStatus {
  readonly groups: readonly GroupStatus[]
  readonly sources: readonly SourceStatus[]
}

export interface GroupStatus {
  readonly group: string
  readonly version: number
  readonly topic: string
  /** Whether its history is in the state, so that it can be read. */
  readonly filled: boolean
  readonly workers: readonly string[]
  readonly accepted: number
  readonly duplicates: number
  readonly corrections: number
  /** Events older than what is kept open: in history, not in the live state. */
  readonly late: number
  /** Bytes of state that its workers hold in memory; keys beyond their limit lie in the online store only. */
  readonly memory: number
  /** Records of the topic that are not in the state yet. */
  readonly lag: number
  /** How far event time has come: that of the partition that is behind, of those that had an event lately. */
  readonly watermark: Micros | null
  readonly updated: Micros | null
}

export interface SourceStatus {
  readonly source: string
  readonly topic: string
  readonly events: number
  /** Records that were no events, set aside in the dead-letter topic. */
  readonly deadLetters: number
  /** Events that have landed in history, and in how many files. */
  readonly landed: number
  readonly files: number
  /** Records that have not landed yet. */
  readonly lag: number
}

/** A partition without an event for so long (microseconds) does not hold the watermark back. */
const idleAfter = 10_000_000

/** Reads the status of these groups from what was committed; needs no worker to run. */
export async function streamStatus(groups: readonly FeatureGroupData[], log: EventLog, state: OnlineStore): Promise<StreamStatus> {
  const feeds = feedsOf(groups)
  const ends = new Map<string, ReadonlyMap<number, number>>()
  for (const { topic, stream } of feeds) {
    for (const name of [topic, stream.topic]) {
      const offsets = (await log.partitions(name)) === null ? [] : await log.offsets(name)
      ends.set(name, new Map(offsets.map(({ partition, next }) => [partition, next])))
    }
  }
  const textsOf = async (topic: string, table: (partition: number) => string) => {
    const partitions = [...(ends.get(topic) ?? [])]
    return await Promise.all(
      partitions.map(async ([partition, next]) => ({ next, text: parseUnitText(await state.readMeta(table(partition))) })),
    )
  }
  const groupStatuses = feeds.flatMap(({ topic, groups: members }) =>
    members.map(async (group): Promise<GroupStatus> => {
      const filled = await filledFrom(state, fillTable(group))
      const found = await textsOf(topic, (partition) => unitTable(group, partition))
      const texts = found.flatMap(({ text }) => text ?? [])
      const count = (name: string) => texts.reduce((sum, { counts }) => sum + (counts[name] ?? 0), 0)
      return {
        group: group.name,
        version: group.version,
        topic,
        filled: filled !== null,
        workers: [...new Set(texts.map(({ owner }) => owner))].sort(),
        accepted: count('accepted'),
        duplicates: count('duplicate'),
        corrections: count('corrected'),
        late: count('late'),
        memory: count('memory'),
        lag: found.reduce((sum, { next, text }, partition) => sum + next - (text?.position ?? filled?.positions[partition] ?? 0), 0),
        watermark: watermarkOf(texts),
        updated: texts.length === 0 ? null : Math.max(...texts.map(({ updated }) => updated)),
      }
    }),
  )
  const sources = new Map(feeds.map((feed) => [feed.source.name, feed]))
  const sourceStatuses = [...sources.values()].map(async ({ source, stream }): Promise<SourceStatus> => {
    const found = await textsOf(stream.topic, (partition) => historyTable(source.name, partition))
    const texts = found.flatMap(({ text }) => text ?? [])
    const files = texts.flatMap(({ details }) => (details as readonly LandedFile[] | undefined) ?? [])
    const count = (name: string) => texts.reduce((sum, { counts }) => sum + (counts[name] ?? 0), 0)
    return {
      source: source.name,
      topic: stream.topic,
      events: count('events'),
      deadLetters: count('dead'),
      landed: files.reduce((sum, { rows }) => sum + rows, 0),
      files: files.length,
      lag: found.reduce((sum, { next, text }) => sum + next - (text?.position ?? 0), 0),
    }
  })
  return { groups: await Promise.all(groupStatuses), sources: await Promise.all(sourceStatuses) }
}

/** The least of the watermarks of partitions that are not idle; the greatest of all where all are. */
function watermarkOf(texts: readonly UnitText[]): Micros | null {
  const seen = texts.filter(({ watermark }) => watermark !== null)
  if (seen.length === 0) return null
  const newest = Math.max(...seen.map(({ updated }) => updated))
  const flowing = seen.filter(({ updated }) => newest - updated < idleAfter)
  return Math.min(...flowing.map(({ watermark }) => watermark as number))
}

/** The files in which the events of a source have landed so far. */
export async function landedFiles(source: string, state: OnlineStore): Promise<LandedFile[]> {
  const prefix = historyTable(source, 0).slice(0, -1)
  const tables = (await state.tables()).filter((name) => name.startsWith(prefix))
  const texts = await Promise.all(tables.map((table) => state.readMeta(table)))
  return texts.flatMap((text) => (parseUnitText(text)?.details as readonly LandedFile[] | undefined) ?? [])
}
