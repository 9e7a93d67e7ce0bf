import { effectiveMoment } from '../definition/index.ts'
import { ByteWriter } from '../lib/bytes.ts'
import type { Duck, Scan } from '../offline/index.ts'
import type { OnlineRow } from '../online/index.ts'
import { BoundGroup, cellReader, type EventGroupPlan, EventStateCodec, type GroupUse } from '../plan/index.ts'
import { type Cell, keyEncoder, orderBytes, type TypeData } from '../schema/index.ts'
import { readKeyEvents } from './key-events.ts'
import { PackedRows } from './packed-rows.ts'

/** For each key the events that a read from the horizon on can look at, and states of those before. */
export async function* eventStates(
  duck: Duck,
  use: GroupUse & { readonly plan: EventGroupPlan },
  scan: Scan,
  upto: number,
): AsyncGenerator<OnlineRow[]> {
  const { plan } = use
  const { group } = plan
  const horizon = effectiveMoment(group.refresh, upto) - group.source.lateness
  const codec = new EventStateCodec(plan)
  const encodeKey = keyEncoder(use.keys.map(({ type }) => type))
  const version = new ByteWriter()
    .raw(orderBytes(momentType, upto))
    .raw(orderBytes(momentType, Date.now() * 1000))
    .finish()
  const bound = new BoundGroup(plan)
  const rows = new PackedRows()
  for await (const { keys, block } of readKeyEvents(duck, use, scan, { from: horizon - plan.reach, upto })) {
    bound.bind(block)
    const readers = new Map<string, (row: number) => Cell>(
      [...block.columns].map(([name, column]) => [name, cellReader(group.source.columns[name] as TypeData, column)]),
    )
    const cell = (column: string) => readers.get(column) as (row: number) => Cell
    for (const [key, { cells, older, olderUntil }] of keys.entries()) {
      bound.load(key, false)
      const start = block.keyStarts[key] as number
      const { from, baselines } = bound.keep(key, horizon)
      const folded = older + from - start
      const foldedUntil = from > start ? (block.times[from - 1] as number) : (olderUntil ?? 0)
      encodeKey(cells, rows.writer)
      rows.end()
      rows.writer.raw(version)
      rows.end()
      codec.encode(
        { upto, horizon, folded, foldedUntil, baselines },
        block.times,
        from,
        block.keyStarts[key + 1] as number,
        cell,
        rows.writer,
      )
      rows.end()
      if (rows.full) yield rows.take()
    }
  }
  yield rows.take()
}

const momentType: TypeData = { kind: 'timestamp', nullable: false }
