import type { FeatureGroupData, SourceData } from '../definition/index.ts'
import type { Clock } from '../lib/clock.ts'
import type { LandedFile, LandedHistory, RowMatch } from '../offline/index.ts'
import type { OnlineStore } from '../online/index.ts'
import { onlineTable } from '../serving/index.ts'
import { historyTable, routerTable } from './tables.ts'
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

export interface ErasedLanding {
  readonly rows: number
  readonly files: readonly string[]
}

/** Erases the rows that match from the history that a source's stream has landed; the files that count are the old or the new ones at any time. */
export async function eraseLanded(
  source: SourceData,
  match: RowMatch,
  {
    state,
    landing,
    clock,
    dryRun,
  }: { readonly state: OnlineStore; readonly landing: LandedHistory; readonly clock: Clock; readonly dryRun: boolean },
): Promise<ErasedLanding> {
  const prefix = historyTable(source.name, 0).slice(0, -1)
  const tables = (await state.tables()).filter((name) => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)))
  let rows = 0
  const files: string[] = []
  for (const table of tables) {
    const partition = Number(table.slice(prefix.length))
    for (let attempt = 0; ; attempt++) {
      const found = await look(source, partition, match, landing, filesIn(await state.readMeta(table)))
      if (attempt === 0) {
        rows += found.rows
        files.push(...[...found.counting, ...found.left].map((path) => landing.pathOf({ path } as LandedFile)))
      }
      if (dryRun || found.counting.length + found.left.length === 0) break
      if (await rewrite(source, partition, match, landing, state, clock, table)) break
    }
  }
  return { rows, files }
}

const filesIn = (text: string | null): readonly LandedFile[] => (parseUnitText(text)?.details as readonly LandedFile[] | undefined) ?? []

/** The files that hold rows that match: those that count, and those left by merges and by workers that were killed. */
async function look(source: SourceData, partition: number, match: RowMatch, landing: LandedHistory, counted: readonly LandedFile[]) {
  const paths = new Set(counted.map(({ path }) => path))
  const [counting, left]: [string[], string[]] = [[], []]
  let rows = 0
  for (const path of await landing.filesOf(source, partition)) {
    const matching = await landing.count(path, match)
    if (matching === 0) continue
    if (paths.has(path)) rows += matching ?? 0
    ;(paths.has(path) ? counting : left).push(path)
  }
  return { rows, counting, left }
}

/** Whether it was done: else another took the unit over meanwhile. */
async function rewrite(
  source: SourceData,
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
