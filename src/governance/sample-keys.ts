import type { FeatureGroupData } from '../definition/index.ts'
import type { Micros } from '../lib/moment.ts'
import { cellAt, type Duck, placesOf, prepareScan, quoteIdentifier, type SourcePlaces, transportSql } from '../offline/index.ts'
import { type Cell, fromCell, type TypeData } from '../schema/index.ts'

/** An entity key that history knows, and when its newest event or row happened, in microseconds. */
export interface SampledKey {
  /** By the names of the entity's key columns. */
  readonly key: Readonly<Record<string, unknown>>
  readonly newest: number
}

const moment: TypeData = { kind: 'timestamp', nullable: false }

/** Some real keys of a group out of its history, of those known as of a moment where one is given: of one seed always the same ones. Reads the keys and times of all of it. */
export async function sampleKeys(
  duck: Duck,
  { source, entity, keys }: FeatureGroupData,
  { sample, seed, places, asOf }: { readonly sample: number; readonly seed: number; readonly places: SourcePlaces; readonly asOf?: Micros },
): Promise<SampledKey[]> {
  const scan = await prepareScan(duck, source, placesOf(places, source))
  const types = Object.entries<TypeData>(entity.keys)
  const columns = types.map(([name]) => quoteIdentifier(keys[name] as string))
  const shown = types.map(([, type], place) => transportSql(type, columns[place] as string))
  const newest = transportSql(moment, `max(${quoteIdentifier(source.time)})`)
  const list = columns.join(', ')
  const present = columns.map((column) => `${column} IS NOT NULL`)
  // An event is seen only after its moment, a row of a table from its moment on.
  if (asOf !== undefined)
    present.push(`epoch_us(${quoteIdentifier(source.time)}::TIMESTAMP) ${source.kind === 'table' ? '<=' : '<'} ${asOf}`)
  const sql = `SELECT ${[...shown, newest].join(', ')} FROM (${scan.sql}) WHERE ${present.join(' AND ')}
    GROUP BY ${list} ORDER BY hash(${list}, ${seed}), ${list} LIMIT ${sample}`
  const found: SampledKey[] = []
  for await (const batch of duck.stream(sql, [...types.map(([, type]) => type), moment])) {
    const cell = (type: TypeData, place: number, row: number): Cell =>
      cellAt(type, batch.columns[place] as (typeof batch.columns)[number], row)
    for (let row = 0; row < batch.count; row++) {
      const key = Object.fromEntries(types.map(([name, type], place) => [name, fromCell(type, cell(type, place, row))]))
      found.push({ key, newest: cell(moment, types.length, row) as number })
    }
  }
  await scan.close()
  return found
}
