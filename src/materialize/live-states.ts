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
import { keyEncoder } from '../schema/index.ts'
import { readKeyEvents } from './key-events.ts'
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
  { upto, version = fillVersion() }: Pick<MaterializeOptions, 'upto' | 'version'>,
): AsyncGenerator<OnlineRow[]> {
  const { plan } = use
  const { group, state } = plan
  // What is read: the columns in state, sorted by id also where features do not ask for it.
  const read = { ...use, plan: { ...plan, columns: state.columns, ordered: plan.ordered || state.known } }
  const latest = state.known ? { ...scan, sql: `SELECT * FROM (${scan.sql}) WHERE "__superseded" IS NULL` } : scan
  const horizon = upto - group.source.lateness
  const codec = new LiveStateCodec(plan)
  const encodeKey = keyEncoder(use.keys.map(({ type }) => type))
  const bound = new BoundGroup(plan)
  const rows = new PackedRows()
  const range = { from: horizon - plan.reach, upto: Number.MAX_SAFE_INTEGER, known: state.known }
  for await (const { keys, block, known } of readKeyEvents(duck, read, latest, range)) {
    const { times, keyStarts } = block
    const columns = state.columns.map((name) => block.columns.get(name) as StateEvents['columns'][number])
    bound.bind(block)
    for (const [key, { cells, olderUntil }] of keys.entries()) {
      bound.load(key, false)
      const { from, baselines } = bound.keep(key, horizon)
      const foldedUntil = from > (keyStarts[key] as number) ? (times[from - 1] as number) : olderUntil
      const base: StateBase = foldedUntil === null ? wholeHistory : { horizon, openFrom: bound.openFrom(horizon), foldedUntil, baselines }
      const events = { times, columns, known: state.known ? known : null, start: from, end: keyStarts[key + 1] as number }
      encodeKey(cells, rows.writer)
      rows.end()
      rows.writer.raw(version)
      rows.end()
      codec.encodeSealed(version, base, events, rows.writer)
      rows.end()
      if (rows.full) yield rows.take()
    }
  }
  yield rows.take()
}

/** Of epoch 0, before any of a stream; of two fills the later one counts. */
function fillVersion(): Uint8Array {
  const bytes = new Uint8Array(16)
  new DataView(bytes.buffer).setBigUint64(8, BigInt(Date.now()))
  return bytes
}
