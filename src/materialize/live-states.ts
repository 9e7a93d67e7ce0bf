import type { Duck, Scan } from '../offline/index.ts'
import type { OnlineRow } from '../online/index.ts'
import {
  BoundGroup,
  type EventGroupPlan,
  type GroupUse,
  LiveStateCodec,
  type StateBase,
  type StateEvents,
  wholeHistory,
} from '../plan/index.ts'
import { historyPartitions, historySql, type Interrupt, type KeyedEvents, readEvents } from '../pointintime/index.ts'
import { keyEncoder } from '../schema/index.ts'
import { findKeys, readKeys } from './history-keys.ts'
import type { MaterializeOptions } from './materialize.ts'
import { PackedRows } from './packed-rows.ts'

/**
 * The rows of a group that a stream keeps up to date, as its history gives them: all events, those after `upto` too, with what a
 * stream needs to go on from there. `scan` reads all versions where events have ids. Rows of a stream are newer than these.
 */
export async function* liveStates(
  duck: Duck,
  use: GroupUse & { readonly plan: EventGroupPlan },
  scan: Scan,
  { upto, memoryLimit, version = fillVersion() }: Pick<MaterializeOptions, 'upto' | 'memoryLimit' | 'version'>,
  interrupt: Interrupt,
): AsyncGenerator<OnlineRow[]> {
  const { plan } = use
  const { group, state } = plan
  const versions = { asKnown: state.known }
  // What is read: the columns in state, sorted by id also where features do not ask for it.
  const read = { ...use, plan: { ...plan, columns: state.columns, ordered: plan.ordered || state.known } }
  const latest = state.known ? { ...scan, sql: `SELECT * FROM (${scan.sql}) WHERE "__superseded" IS NULL` } : scan
  const horizon = upto - group.source.lateness
  const partitions = await historyPartitions(duck, read.plan, latest, { ...versions, memoryLimit: memoryLimit ?? null, workers: 1 })
  const keys = await findKeys(duck, use, latest, Number.MAX_SAFE_INTEGER, horizon - plan.reach, partitions)
  const codec = new LiveStateCodec(plan)
  const encodeKey = keyEncoder(use.keys.map(({ type }) => type))
  const bound = new BoundGroup(plan)
  const rows = new PackedRows()
  for (let partition = 0; partition < partitions; partition++) {
    const keysSql = `SELECT * FROM ${keys.table} WHERE __part = ${partition}`
    const sql = historySql(read, latest, keysSql, { ...versions, first: horizon, last: Number.MAX_SAFE_INTEGER, everyEvent: true })
    const keyed = await readEvents(duck, sql, read.plan, keys.counts[partition] ?? 0, state.known, interrupt)
    const { times, keyStarts } = keyed.block
    const events = eventsOf(plan, keyed)
    bound.bind(keyed.block)
    interrupt.stage(`writing ${group.name}`, keys.counts[partition] ?? 0)
    let key = 0
    for await (const facts of readKeys(duck, use, keys, partition)) {
      for (const { cells, last } of facts) {
        bound.load(key, false)
        const { from, baselines } = bound.keep(key, horizon)
        const foldedUntil = from > (keyStarts[key] as number) ? (times[from - 1] as number) : last
        const base: StateBase = foldedUntil === null ? wholeHistory : { horizon, openFrom: bound.openFrom(horizon), foldedUntil, baselines }
        encodeKey(cells, rows.writer)
        rows.end()
        rows.writer.raw(version)
        rows.end()
        codec.encodeSealed(version, base, { ...events, start: from, end: keyStarts[key + 1] as number }, rows.writer)
        rows.end()
        key++
      }
      if (rows.full) yield rows.take()
    }
  }
  yield rows.take()
}

function eventsOf(plan: EventGroupPlan, { block, known }: KeyedEvents): Omit<StateEvents, 'start' | 'end'> {
  const columns = plan.state.columns.map((name) => block.columns.get(name) as StateEvents['columns'][number])
  return { times: block.times, columns, known }
}

/** Of epoch 0, before any of a stream; of two fills the later one counts. */
function fillVersion(): Uint8Array {
  const bytes = new Uint8Array(16)
  new DataView(bytes.buffer).setBigUint64(8, BigInt(Date.now()))
  return bytes
}
