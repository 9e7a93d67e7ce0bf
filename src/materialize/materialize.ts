import { effectiveMoment, type FeatureGroupData } from '../definition/index.ts'
import { ByteWriter } from '../lib/bytes.ts'
import { Duck, placesOf, prepareScan, quoteIdentifier, type RowReport, type Scan, type SourcePlaces } from '../offline/index.ts'
import type { OnlineRow, OnlineStore } from '../online/index.ts'
import { BoundGroup, cellReader, type EventGroupPlan, EventStateCodec, type GroupUse, isStreamed, planGroup } from '../plan/index.ts'
import { engineOptions, historyPartitions, historySql, Interrupt, type Progress, readEvents } from '../pointintime/index.ts'
import { type Cell, keyEncoder, orderBytes, type TypeData } from '../schema/index.ts'
import { checkOnlineMeta, onlineMeta, onlineTable } from '../serving/index.ts'
import { findKeys, readKeys } from './history-keys.ts'
import { liveStates } from './live-states.ts'
import { PackedRows } from './packed-rows.ts'
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
    const blocks =
      plan.kind === 'table'
        ? tableStates(duck, plan, use, scan, options.upto, interrupt)
        : streamed
          ? liveStates(
              duck,
              { ...use, plan },
              scan,
              { ...options, upto: Math.min(options.upto, await newestEvent(duck, group, scan)) },
              interrupt,
            )
          : eventStates(duck, plan, use, scan, options, interrupt)
    const totals = { keys: 0, written: 0, older: 0, bytes: 0 }
    const write = async (block: readonly OnlineRow[]) => {
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

async function* eventStates(
  duck: Duck,
  plan: EventGroupPlan,
  use: GroupUse,
  scan: Scan,
  options: MaterializeOptions,
  interrupt: Interrupt,
): AsyncGenerator<OnlineRow[]> {
  const { group } = plan
  const { upto } = options
  const partitions = await historyPartitions(duck, plan, scan, { asKnown: false, memoryLimit: options.memoryLimit ?? null, workers: 1 })
  const horizon = effectiveMoment(group.refresh, upto) - group.source.lateness
  const keys = await findKeys(duck, use, scan, upto, horizon - plan.reach, partitions)
  const codec = new EventStateCodec(plan)
  const encodeKey = keyEncoder(use.keys.map(({ type }) => type))
  const version = new ByteWriter()
    .raw(orderBytes(momentType, upto))
    .raw(orderBytes(momentType, Date.now() * 1000))
    .finish()
  const bound = new BoundGroup(plan)
  const rows = new PackedRows()
  for (let partition = 0; partition < partitions; partition++) {
    const keysSql = `SELECT * FROM ${keys.table} WHERE __part = ${partition}`
    const events = await readEvents(
      duck,
      historySql(use, scan, keysSql, { asKnown: false, first: horizon, last: upto, everyEvent: true }),
      plan,
      keys.counts[partition] ?? 0,
      false,
      interrupt,
    )
    const { block } = events
    bound.bind(block)
    const readers = new Map<string, (row: number) => Cell>(
      [...block.columns].map(([name, column]) => [name, cellReader(group.source.columns[name] as TypeData, column)]),
    )
    const cell = (column: string) => readers.get(column) as (row: number) => Cell
    interrupt.stage(`writing ${group.name}`, keys.counts[partition] ?? 0)
    let key = 0
    for await (const facts of readKeys(duck, use, keys, partition)) {
      for (const { cells, count, last } of facts) {
        bound.load(key, false)
        const end = block.keyStarts[key + 1] as number
        const { from, baselines } = bound.keep(key, horizon)
        const folded = count - (end - from)
        const foldedUntil = from > (block.keyStarts[key] as number) ? (block.times[from - 1] as number) : (last ?? 0)
        encodeKey(cells, rows.writer)
        rows.end()
        rows.writer.raw(version)
        rows.end()
        codec.encode({ upto, horizon, folded, foldedUntil, baselines }, block.times, from, end, cell, rows.writer)
        rows.end()
        key++
      }
      if (rows.full) yield rows.take()
    }
  }
  yield rows.take()
}

const momentType: TypeData = { kind: 'timestamp', nullable: false }
