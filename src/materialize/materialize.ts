import type { FeatureGroupData } from '../definition/index.ts'
import { Duck, placesOf, prepareScan, quoteIdentifier, type RowReport, type Scan, type SourcePlaces } from '../offline/index.ts'
import type { OnlineRow, OnlineStore } from '../online/index.ts'
import { type GroupUse, isStreamed, planGroup } from '../plan/index.ts'
import { engineOptions, Interrupt, type Progress } from '../pointintime/index.ts'
import type { TypeData } from '../schema/index.ts'
import { checkOnlineMeta, onlineMeta, onlineTable, runTable } from '../serving/index.ts'
import { eventStates } from './event-states.ts'
import { liveStates } from './live-states.ts'
import { tableStates } from './table-states.ts'

export interface MaterializeOptions extends SourcePlaces {
  /** The moment up to which history counts, in microseconds. */
  readonly upto: number
  /** Drop what another definition of the same version has stored. */
  readonly rebuild?: boolean
  /** Of a group that a stream keeps up to date: the version under which its rows are written; before all of a stream by default. */
  readonly version?: Uint8Array
  readonly memoryLimit?: number
  readonly threads?: number
  readonly temporaryFolder?: string
  readonly signal?: AbortSignal
  readonly progress?: (progress: Progress) => void
}

export interface MaterializeResult {
  readonly group: string
  readonly version: number
  /** Keys found, rows written, and rows that were not because a newer one was there. */
  readonly keys: number
  readonly written: number
  readonly older: number
  readonly bytes: number
  readonly seconds: number
  /** Of a source that sets invalid rows aside. */
  readonly report: RowReport | null
}

/**
 * Writes to the online store what it needs of each key to answer exactly at any moment from `upto` on (and back to the
 * source's lateness before). Rows of an earlier run stay readable until they are replaced, one by one; a run that ends
 * early is harmless, and running again completes it.
 */
export async function materializeGroup(
  group: FeatureGroupData,
  online: OnlineStore,
  options: MaterializeOptions,
): Promise<MaterializeResult> {
  const started = performance.now()
  const interrupt = new Interrupt(options.signal, options.progress)
  const plan = planGroup(group)
  const use: GroupUse = { plan, keys: Object.entries<TypeData>(group.entity.keys).map(([key, type]) => ({ key, name: key, type })) }
  const table = onlineTable(group)
  if (options.rebuild && (await online.readMeta(table)) !== onlineMeta(group)) await online.drop(table)
  checkOnlineMeta(group, await online.readMeta(table))
  await online.writeMeta(table, onlineMeta(group))

  await using duck = await Duck.open(engineOptions(options))
  const stop = () => duck.interrupt()
  options.signal?.addEventListener('abort', stop)
  try {
    const streamed = plan.kind === 'events' && isStreamed(group)
    const versions = streamed && plan.state.known ? 'all' : 'latest'
    const scan = await prepareScan(duck, group.source, { versions, ...placesOf(options, group.source) })
    interrupt.stage(`reading ${group.source.name}`)
    interrupt.check()
    const blocks =
      plan.kind === 'table'
        ? tableStates(duck, plan, use, scan, options.upto)
        : streamed
          ? liveStates(duck, { ...use, plan }, scan, { ...options, upto: Math.min(options.upto, await newestEvent(duck, group, scan)) })
          : eventStates(duck, { ...use, plan }, scan, options.upto)
    const totals = { keys: 0, written: 0, older: 0, bytes: 0 }
    const write = async (block: readonly OnlineRow[]) => {
      if (totals.keys === 0) interrupt.stage(`writing ${group.name}`)
      totals.keys += block.length
      for (const { key, value } of block) totals.bytes += key.length + value.length
      const { written, older } = await online.write(table, block)
      totals.written += written
      totals.older += older
      interrupt.advance(block.length)
    }
    // One block is packed while the one before is written.
    let writing = Promise.resolve()
    try {
      for await (const block of blocks) {
        interrupt.check()
        await writing
        writing = write(block)
        writing.catch(() => {})
      }
    } finally {
      await writing
    }
    if (!streamed) await online.writeMeta(runTable(group), JSON.stringify({ upto: options.upto }))
    return {
      group: group.name,
      version: group.version,
      ...totals,
      seconds: (performance.now() - started) / 1000,
      report: group.source.invalidRows === 'setAside' ? await scan.report() : null,
    }
  } finally {
    options.signal?.removeEventListener('abort', stop)
  }
}

/** How far the time of a history has come: what a stream of it will wait for is reckoned from there. */
async function newestEvent(duck: Duck, { source }: FeatureGroupData, scan: Scan): Promise<number> {
  const [row] = await duck.rows(`SELECT epoch_us(max(${quoteIdentifier(source.time)})::TIMESTAMP)::DOUBLE AS newest FROM (${scan.sql})`)
  return (row?.newest as number | null) ?? Number.POSITIVE_INFINITY
}
