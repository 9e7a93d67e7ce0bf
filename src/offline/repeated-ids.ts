import type { TypeData } from '../schema/index.ts'
import type { Duck } from './duckdb.ts'
import { quoteIdentifier } from './sql.ts'

const float: TypeData = { kind: 'float', nullable: false }

/** Below it one aggregation in DuckDB is as quick. */
const fewRows = 2_000_000
/** 256 MiB; a larger source has more false alarms, and is still exact. */
const mostBits = 2 ** 31
/** Of the engine's memory, for bits and for suspects: it does little else meanwhile. */
const bitShare = 0.5
const suspectShare = 0.1
/** Fewer bits for an id would suspect too many. */
const fewestBits = 8

/**
 * Makes a table of the ids that occur more than once in `base`, of about `rows` rows, and returns how many there are.
 * Of many rows a bit set first picks those whose id may have occurred before, which takes a fraction of the time, and of the
 * memory, of aggregating all ids; these are then counted exactly.
 */
export async function findRepeatedIds(
  duck: Duck,
  base: string,
  id: Readonly<Record<string, TypeData>>,
  rows: number,
  table: string,
  few = fewRows,
): Promise<number> {
  const columns = Object.keys(id).map(quoteIdentifier).join(', ')
  const place = rows <= few ? null : await placeOf(duck, base, id, rows)
  const suspects = place && (await suspectPlaces(duck, `SELECT ${place.sql} FROM (${base})`, place))
  if (suspects?.length === 0) return 0
  let candidates = base
  const suspected = duck.uniqueName('lockstep_suspects')
  if (suspects !== null) {
    await duck.createTable(suspected, { place: float })
    await duck.append(suspected, [float], [{ values: suspects, nulls: null }], suspects.length)
    candidates = `SELECT ${columns} FROM (${base}) SEMI JOIN ${suspected} ON ${place?.sql} = "place"`
  }
  await duck.run(`CREATE TABLE ${table} AS SELECT ${columns} FROM (${candidates}) GROUP BY ${columns} HAVING count(*) > 1;
    DROP TABLE IF EXISTS ${suspected}`)
  const [found] = await duck.rows(`SELECT count(*) AS ids FROM ${table}`)
  return Number(found?.ids)
}

/** Where among so many bits an id belongs; exact if no two ids share a place. */
interface Place {
  readonly sql: string
  readonly exact: boolean
  readonly bits: number
}

/** Null where memory has too few bits for the ids. */
async function placeOf(duck: Duck, base: string, id: Readonly<Record<string, TypeData>>, rows: number): Promise<Place | null> {
  const allowed = Math.min(mostBits, (duck.memoryLimit ?? Number.POSITIVE_INFINITY) * 8 * bitShare)
  const dense = await densePlace(duck, base, id, Math.min(allowed, rows * 32))
  if (dense) return dense
  const bits = 2 ** Math.floor(Math.min(Math.log2(allowed), Math.ceil(Math.log2(rows * 32))))
  const columns = Object.keys(id).map(quoteIdentifier).join(', ')
  return bits === mostBits || bits >= rows * fewestBits ? { sql: `CAST(hash(${columns}) >> 11 AS DOUBLE)`, exact: false, bits } : null
}

/** Whole numbers that lie close enough together need no hash. */
async function densePlace(duck: Duck, base: string, id: Readonly<Record<string, TypeData>>, most: number): Promise<Place | null> {
  const [[name, type] = [], another] = Object.entries(id)
  if (name === undefined || type?.kind !== 'integer' || another !== undefined) return null
  const column = quoteIdentifier(name)
  const [range] = await duck.rows(`SELECT min(${column}) AS low, max(${column}) - min(${column}) AS span FROM (${base})`)
  const span = Number(range?.span)
  return span < most ? { sql: `CAST(${column} - ${range?.low} AS DOUBLE)`, exact: true, bits: span + 1 } : null
}

/**
 * The places that occur more than once: exact ones as they are, hashes of 53 bits by a Bloom filter with three probes
 * (B. Bloom, Space/Time Trade-offs in Hash Coding with Allowable Errors, 1970), so with a few false alarms. Null where there are
 * more than memory has room for.
 */
async function suspectPlaces(duck: Duck, sql: string, { exact, bits }: Place): Promise<Float64Array | null> {
  const mostSuspects = ((duck.memoryLimit ?? Number.POSITIVE_INFINITY) * suspectShare) / 8
  const words = new Uint32Array(Math.ceil(bits / 32))
  // A power of two where places are hashed; an exact place lies within its bits.
  const mask = exact ? mostBits - 1 : bits - 1
  const suspects: number[] = []
  for await (const { count, columns } of duck.stream(sql, [float])) {
    const places = columns[0]?.values as Float64Array
    for (let row = 0; row < count; row++) {
      const place = places[row] as number
      const high = Math.floor(place / 2 ** 26)
      const low = place - high * 2 ** 26
      const step = Math.imul(low, 0x9e3779b1) | 1
      let at = exact ? place : Math.imul(high, 0x85ebca6b) ^ low
      let seen = 1
      for (let probe = exact ? 1 : 3; probe > 0; probe--) {
        const bit = at & mask
        const word = words[bit >>> 5] as number
        seen &= word >>> (bit & 31)
        words[bit >>> 5] = word | (1 << (bit & 31))
        at = (at + step) | 0
      }
      if (seen === 1) suspects.push(place)
    }
    if (suspects.length > mostSuspects) return null
  }
  return Float64Array.from(suspects)
}
