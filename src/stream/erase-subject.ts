import type { FeatureGroupData, SourceData } from '../definition/index.ts'
import type { Clock } from '../lib/clock.ts'
import type { LandedFile, LandedHistory, RowMatch } from '../offline/index.ts'
import type { OnlineStore } from '../online/index.ts'
import { isStreamed } from '../plan/index.ts'
import { onlineTable } from '../serving/index.ts'
import type { Feed } from './feeds.ts'
import { historyTable, routerTable, unitTable } from './tables.ts'
import { commitOf, parseUnitText, UnitRecord } from './unit-text.ts'

/** The text that tells workers that a subject was erased: what they have in memory may not be so any more. */
export const erasedTable = 'erased'
/** Who has taken over a unit from a worker whose memory is not to be stored. */
const owner = 'erasure'

/**
 * Takes the units of groups, and the routers and histories of their sources, from their workers, who can then store nothing of what they
 * have in memory, and tells them to begin again from what is stored. Gives how many units there were.
 */
export async function takeUnits(groups: readonly FeatureGroupData[], state: OnlineStore, clock: Clock): Promise<number> {
  const prefixes = groups.flatMap((group) => {
    const { topic } = group.source.stream ?? {}
    const routers =
      topic === undefined ? [] : [routerTable(topic, 0), routerTable(`${topic}.by.`, 0)].map((name) => name.replace(/:0$/, ''))
    return [`${onlineTable(group)}:`, ...routers, historyTable(group.source.name, 0).slice(0, -1)]
  })
  const isUnit = (table: string) => /:\d+$/.test(table) && prefixes.some((prefix) => table.startsWith(prefix))
  let taken = 0
  for (const table of (await state.tables()).filter(isUnit)) {
    if (parseUnitText(await state.readMeta(table)) === null) continue
    await UnitRecord.claim(state, table, owner, clock)
    taken++
  }
  if (taken > 0) await state.writeMeta(erasedTable, String(clock.now()))
  return taken
}

/**
 * By partition of a feed's topic, up to which offset all who read it have stored what they made of it: a worker that begins again reads
 * from there on. 0 where nobody has begun.
 */
export async function storedUpTo(
  feed: Feed,
  internal: readonly string[],
  partitions: number,
  state: OnlineStore,
): Promise<Map<number, number>> {
  const isDirect = feed.topic === feed.stream.topic
  const found = new Map<number, number>()
  for (let partition = 0; partition < partitions; partition++) {
    const position = async (table: string) => parseUnitText(await state.readMeta(table))?.position
    const own = isDirect
      ? [
          (await position(historyTable(feed.source.name, partition))) ?? 0,
          ...(await Promise.all(internal.map((topic) => position(routerTable(topic, partition))))),
        ]
      : []
    // A group that was never filled begins with the history that has landed.
    const groups = await Promise.all(feed.groups.filter(isStreamed).map((group) => position(unitTable(group, partition))))
    found.set(partition, Math.min(...[...own, ...groups].filter((one) => one !== undefined)))
  }
  return found
}

/** The sources of whose partitions an online store says what has landed, and which partitions. */
export async function landedPartitions(state: OnlineStore): Promise<Map<string, number[]>> {
  const found = new Map<string, number[]>()
  for (const table of await state.tables()) {
    const [, source, partition] = /^history:(.+):(\d+)$/.exec(table) ?? []
    if (source !== undefined) found.set(source, [...(found.get(source) ?? []), Number(partition)])
  }
  return found
}

export interface ErasedLanding {
  readonly rows: number
  readonly files: readonly string[]
}

/** Erases the rows that match from the history that a source's stream has landed; the files that count are the old or the new ones at any time. */
export async function eraseLanded(
  source: Pick<SourceData, 'name'>,
  match: RowMatch,
  {
    state,
    landing,
    clock,
    dryRun,
  }: { readonly state: OnlineStore; readonly landing: LandedHistory; readonly clock: Clock; readonly dryRun: boolean },
): Promise<ErasedLanding> {
  let rows = 0
  const files: string[] = []
  // Files may be left of partitions of which nothing is said any more.
  const told = (await landedPartitions(state)).get(source.name) ?? []
  for (const partition of new Set([...told, ...(await landing.partitionsOf(source))])) {
    const table = historyTable(source.name, partition)
    for (let attempt = 0; ; attempt++) {
      const text = await state.readMeta(table)
      const found = await look(source, partition, match, landing, text === null ? null : filesIn(text))
      if (attempt === 0) {
        rows += found.rows
        files.push(...[...found.counting, ...found.left].map((path) => landing.pathOf({ path } as LandedFile)))
      }
      if (dryRun || found.counting.length + found.left.length === 0) break
      if (text === null) {
        for (const file of await uncounted(found.counting, match, landing)) await landing.without(source, partition, file, match)
        for (const path of [...found.counting, ...found.left]) await landing.remove(path)
        break
      }
      if (await rewrite(source, partition, match, landing, state, clock, table)) break
    }
  }
  return { rows, files }
}

const filesIn = (text: string | null): readonly LandedFile[] => (parseUnitText(text)?.details as readonly LandedFile[] | undefined) ?? []

/** Files of which no unit tells anything, so that nobody knows whether they are of use; what they are called says what they hold. */
async function uncounted(paths: readonly string[], match: RowMatch, landing: LandedHistory): Promise<LandedFile[]> {
  return await Promise.all(
    paths.map(async (path) => {
      const [, date = '', first, next] = /date=([^/\\]+)[/\\]\d+-(\d+)-(\d+)-/.exec(path) ?? []
      return { path, date, rows: (await landing.count(path, match))?.rows ?? 0, first: Number(first), next: Number(next) }
    }),
  )
}

/**
 * The files that hold rows that match: those that count, and those left by merges and by workers that were killed. All that are whole
 * count where it is not told which do.
 */
async function look(
  source: Pick<SourceData, 'name'>,
  partition: number,
  match: RowMatch,
  landing: LandedHistory,
  counted: readonly LandedFile[] | null,
) {
  const paths = counted && new Set(counted.map(({ path }) => path))
  const [counting, left]: [string[], string[]] = [[], []]
  let rows = 0
  for (const path of await landing.filesOf(source, partition)) {
    const count = await landing.count(path, match)
    if (count?.matching === 0) continue
    const counts = count !== null && (paths?.has(path) ?? true)
    if (counts) rows += count.matching
    ;(counts ? counting : left).push(path)
  }
  return { rows, counting, left }
}

/** Whether it was done: else another took the unit over meanwhile. */
async function rewrite(
  source: Pick<SourceData, 'name'>,
  partition: number,
  match: RowMatch,
  landing: LandedHistory,
  state: OnlineStore,
  clock: Clock,
  table: string,
): Promise<boolean> {
  const record = await UnitRecord.claim(state, table, owner, clock)
  const before = filesIn(record.text)
  const { counting, left } = await look(source, partition, match, landing, before)
  const after: LandedFile[] = []
  for (const file of before) {
    const other = counting.includes(file.path) ? await landing.without(source, partition, file, match) : file
    if (other) after.push(other)
  }
  const change = record.next({ details: after, updated: clock.now() })
  if (!(await commitOf(state)([change], []))) {
    for (const file of after) if (!before.includes(file)) await landing.remove(file.path)
    return false
  }
  for (const path of [...counting, ...left]) await landing.remove(path)
  return true
}
