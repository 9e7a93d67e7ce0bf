import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FeatureGroup, openStore } from 'lockstep'
import { lmdbOnlineStore } from '../src/online/drivers/lmdb.ts'
import { onlineTable } from '../src/serving/index.ts'
import { actionsFile, end, profilesFile } from './lib/data.ts'
import { fewAggregates, profileGroup } from './lib/online-features.ts'
import { PlainLmdb } from './lib/plain-lmdb.ts'
import { machine, median, runSide } from './lib/sides.ts'

interface Options {
  readonly keys: number
  readonly events: number
  readonly runs: number
  readonly json: string
}

interface Figures {
  readonly rows: number
  readonly bytes: number
  readonly seconds: number
}

const groups = {
  table: { title: 'a table, 20 features', make: (path: string): FeatureGroup => profileGroup('profile', path, 20) },
  events: { title: 'events, 5 aggregates', make: fewAggregates },
} as const
type Kind = keyof typeof groups

const folder = (kind: Kind, side: string) => join(tmpdir(), 'lockstep-bench', `materialize-${kind}-${side}`)

/** From Parquet into the embedded store, against plain LMDB that is given the same bytes, in order, from memory. */
export async function materialize(options: Options): Promise<void> {
  const files = { table: await profilesFile(options.keys), events: await actionsFile(options.events, options.events / 20) }
  console.log(`materialize: a table of ${options.keys} keys, and ${options.events} events, 20 a key`)
  const results = []
  for (const kind of Object.keys(groups) as Kind[]) {
    const runs: { ours: Figures; floor: Figures; peakMemory: number }[] = []
    for (let run = 0; run < options.runs; run++) {
      const side = (name: string) => runSide({ name, module: import.meta.url, options: { side: name, kind, path: files[kind] } })
      const ours = await side('lockstep')
      const floor = await side('floor')
      runs.push({ ours: ours.details as unknown as Figures, floor: floor.details as unknown as Figures, peakMemory: ours.peakMemory })
    }
    const middle = (of: (run: (typeof runs)[number]) => number) => median(runs.map(of))
    const rowsPerSecond = middle(({ ours }) => ours.rows / ours.seconds)
    const floorRowsPerSecond = middle(({ floor }) => floor.rows / floor.seconds)
    const ratio = middle(({ ours, floor }) => floor.seconds / ours.seconds)
    const [first] = runs
    const bytesPerRow = (first?.ours.bytes ?? 0) / (first?.ours.rows ?? 1)
    results.push({ kind, rowsPerSecond, floorRowsPerSecond, ratio, bytesPerRow, peakMemory: middle(({ peakMemory }) => peakMemory), runs })
  }
  console.log(`\nmaterialize: medians of ${options.runs} runs`)
  for (const { kind, rowsPerSecond, floorRowsPerSecond, ratio, bytesPerRow, peakMemory } of results) {
    const [ours, floor] = [rowsPerSecond, floorRowsPerSecond].map((rows) => `${(rows / 1000).toFixed(0)} k`)
    console.log(
      `  ${groups[kind].title.padEnd(24)} ${ours} rows/s, plain LMDB ${floor}: ${ratio.toFixed(2)} of it; ${bytesPerRow.toFixed(0)} bytes a row, ${peakMemory.toFixed(0)} MB`,
    )
  }
  console.log('  the bar: at least 200 k rows of 20 features a second')
  await writeFile(options.json, `${JSON.stringify({ name: 'materialize', machine, ...options, results }, null, 2)}\n`)
  console.log(`  written to ${options.json}`)
}

export async function side({ side, kind, path }: { side: 'lockstep' | 'floor'; kind: Kind; path: string }): Promise<Figures> {
  const group = groups[kind].make(path)
  const [ours, target] = [folder(kind, 'lockstep'), folder(kind, side)]
  if (side === 'floor') {
    const online = lmdbOnlineStore({ path: ours, readOnly: true })
    const rows: { key: Uint8Array; value: Uint8Array }[] = []
    for await (const { key, version, value } of online.scan(onlineTable(group))) rows.push({ key, value: Buffer.concat([version, value]) })
    await online.close()
    await rm(target, { recursive: true, force: true })
    await using floor = new PlainLmdb(target)
    const started = performance.now()
    await floor.load('rows', rows)
    return {
      rows: rows.length,
      bytes: rows.reduce((sum, { key, value }) => sum + key.length + value.length, 0),
      seconds: (performance.now() - started) / 1000,
    }
  }
  await rm(target, { recursive: true, force: true })
  await using store = await openStore({ definitions: [group], online: lmdbOnlineStore({ path: target }), clock: () => end })
  const [result] = await store.materialize()
  if (!result) throw new Error('nothing was materialized')
  return { rows: result.written, bytes: result.bytes, seconds: result.seconds }
}
