import { effectiveMoment } from '../definition/index.ts'
import { formatMoment } from '../lib/moment.ts'
import {
  type BatchColumn,
  cellAt,
  type Duck,
  placesOf,
  prepareScan,
  quoteIdentifier,
  type Scan,
  type SourcePlaces,
  transportSql,
} from '../offline/index.ts'
import { type FeaturePlan, type GroupUse, type ViewPlan, windowReach } from '../plan/index.ts'
import { groupValues, historySql, type Interrupt } from '../pointintime/index.ts'
import { type Cell, fromCell, type TypeData } from '../schema/index.ts'
import { keyColumn } from './served-log.ts'
import type { MissedEvent } from './served-report.ts'

/** A row of the log, by its place, and up to which moment (microseconds) what became known counts. */
export interface AskedRow {
  readonly place: number
  readonly known: number
  /** Of one use of a group, by its place, less counts: what became known until `upto`. */
  readonly behind?: { readonly use: number; readonly upto: number }
}

/**
 * Which late events count: all of them; those within their source's lateness; or, as in live state, those that came before every
 * window that sees them was closed.
 */
export type LateRule = 'all' | 'within' | 'open'

const number: TypeData = { kind: 'float', nullable: false }
/** Rows that are computed together: each has a copy of the history of its key. */
const rowsAtOnce = 1_000

/**
 * The history of the keys of some rows of a feature log, and what their values would be if less of it had been known. Each row is a
 * key of its own, whose events are those that were visible to it.
 */
export class ServedHistory {
  readonly #duck: Duck
  readonly #plan: ViewPlan
  readonly #keys: string
  readonly #interrupt: Interrupt
  /** Of each use of a group, the rows of its source that have one of the keys: all versions. */
  readonly #scans: readonly Scan[]

  private constructor(duck: Duck, plan: ViewPlan, keys: string, interrupt: Interrupt, scans: readonly Scan[]) {
    this.#duck = duck
    this.#plan = plan
    this.#keys = keys
    this.#interrupt = interrupt
    this.#scans = scans
  }

  /** `keys`: a table as `servedKeys` makes it. */
  static async open(
    duck: Duck,
    plan: ViewPlan,
    keys: string,
    places: readonly number[],
    sources: SourcePlaces,
    interrupt: Interrupt,
  ): Promise<ServedHistory> {
    const chosen = duck.uniqueName('differing')
    await duck.createTable(chosen, { __place: number })
    await duck.append(chosen, [number], [{ values: Float64Array.from(places), nulls: null }], places.length)
    const own = duck.uniqueName('differing_keys')
    await duck.run(`CREATE TABLE ${own} AS SELECT * FROM ${keys} SEMI JOIN ${chosen} USING (__place); DROP TABLE ${chosen}`)
    const scans: Scan[] = []
    for (const use of plan.uses) {
      const { group } = use.plan
      const scan = await prepareScan(duck, group.source, { versions: 'all', ...placesOf(sources, group.source) })
      const rows = duck.uniqueName('differing_history')
      await duck.run(`CREATE TABLE ${rows} AS SELECT * FROM (${scan.sql}) s SEMI JOIN ${own} d ON ${sameKeys(use)}`)
      scans.push({ ...scan, sql: `SELECT * FROM ${rows}` })
    }
    return new ServedHistory(duck, plan, own, interrupt, scans)
  }

  /**
   * Reads the values of groups for rows as their moments would have found them, had nothing been known after `known`: all that
   * the rule of late events lets count.
   */
  async values(
    asked: readonly AskedRow[],
    late: LateRule,
    each: (row: number, cell: (use: number, feature: number) => Cell) => void,
  ): Promise<void> {
    for (let from = 0; from < asked.length; from += rowsAtOnce) {
      this.#interrupt.check()
      const some = asked.slice(from, from + rowsAtOnce)
      const table = await this.#ask(some)
      const columns = await Promise.all(this.#plan.uses.map((use, place) => this.#groupValues(use, place, table, some.length, late)))
      const cellOf = (row: number) => (use: number, feature: number) =>
        cellAt(
          ((this.#plan.uses[use] as GroupUse).plan.features[feature] as FeaturePlan).type,
          (columns[use] as readonly BatchColumn[])[feature] as BatchColumn,
          row,
        )
      for (let row = 0; row < some.length; row++) each(from + row, cellOf(row))
      await this.#duck.run(`DROP TABLE ${table}`)
    }
  }

  /** The newest moments, within `reach` before a row's `known`, at which something became known of its key in a use of a group. */
  async knownMoments(asked: readonly AskedRow[], place: number, reach: number, most: number): Promise<readonly AskedRow[]> {
    const table = await this.#ask(asked)
    const use = this.#plan.uses[place] as GroupUse
    const moments = `SELECT DISTINCT d.__place, d.__known, ${knownSql(use)} AS moment FROM ${table} d JOIN (${this.#scan(place).sql}) s ON ${sameKeys(use)} WHERE ${timeSql(use)} <= d.__at AND ${knownSql(use)} BETWEEN d.__known - ${reach} AND d.__known`
    const newest = `SELECT * FROM (${moments}) QUALIFY row_number() OVER (PARTITION BY __place ORDER BY moment DESC) <= ${most} ORDER BY __place, moment DESC`
    const found: AskedRow[] = []
    for await (const { count, columns } of this.#duck.stream(newest, [number, number, number])) {
      const [places, known, upto] = columns.map(({ values }) => values as Float64Array) as [Float64Array, Float64Array, Float64Array]
      for (let row = 0; row < count; row++)
        // Just before it became known.
        found.push({ place: places[row] as number, known: known[row] as number, behind: { use: place, upto: (upto[row] as number) - 1 } })
    }
    await this.#duck.run(`DROP TABLE ${table}`)
    return found
  }

  /** The newest events, or rows, before a row's moment that became known after its `known`, or those that the rule of late events leaves out. */
  async missed({ place, known, behind }: AskedRow, uses: readonly number[], most: number, late: LateRule): Promise<MissedEvent[]> {
    const events: MissedEvent[] = []
    for (const index of uses) {
      const use = this.#plan.uses[index] as GroupUse
      const { source } = use.plan.group
      const columns = source.id.length > 0 ? source.id : Object.keys(source.columns)
      const types = columns.map((name): TypeData => ({ ...(source.columns[name] as TypeData), nullable: true }))
      const selected = columns.map((name, column) => transportSql(types[column] as TypeData, `s.${quoteIdentifier(name)}`)).join(', ')
      const condition =
        late === 'all' ? `${knownSql(use)} > ${behind?.upto ?? known}` : `${knownSql(use)} - ${timeSql(use)} > ${latest(use, late)}`
      const sql = `SELECT ${timeSql(use)} AS __at, epoch_us(s.__known)::DOUBLE, ${selected} FROM ${this.#keys} d JOIN (${this.#scan(index).sql}) s ON ${sameKeys(use)} WHERE d.__place = ${place} AND ${timeSql(use)} <= d.__at AND ${condition} ORDER BY __at DESC LIMIT ${most}`
      const all = [number, { ...number, nullable: true }, ...types]
      for await (const batch of this.#duck.stream(sql, all)) {
        for (let row = 0; row < batch.count; row++) {
          const cell = (column: number) => cellAt(all[column] as TypeData, batch.columns[column] as BatchColumn, row)
          const since = cell(1)
          events.push({
            source: source.name,
            time: formatMoment(cell(0) as number),
            known: since === null ? null : formatMoment(since as number),
            event: Object.fromEntries(columns.map((name, column) => [name, fromCell(types[column] as TypeData, cell(column + 2))])),
          })
        }
      }
    }
    return events.slice(0, most)
  }

  #scan(use: number): Scan {
    return this.#scans[use] as Scan
  }

  /** A table of the rows that are asked for: dense numbers, keys, moments, and up to when what is known counts. */
  async #ask(asked: readonly AskedRow[]): Promise<string> {
    const given = this.#duck.uniqueName('asked_places')
    const columns: Readonly<Record<string, readonly number[]>> = {
      __k: [...asked.keys()],
      __place: asked.map(({ place }) => place),
      __known: asked.map(({ known }) => known),
      __use: asked.map(({ behind }) => behind?.use ?? -1),
      __upto: asked.map(({ behind, known }) => behind?.upto ?? known),
    }
    const types = Object.keys(columns).map((name) => [name, number] as const)
    await this.#duck.createTable(given, Object.fromEntries(types))
    const numbers = Object.values(columns).map((values) => ({ values: Float64Array.from(values), nulls: null }))
    await this.#duck.append(
      given,
      types.map(([, type]) => type),
      numbers,
      asked.length,
    )
    const table = this.#duck.uniqueName('asked')
    await this.#duck.run(
      `CREATE TABLE ${table} AS SELECT g.* EXCLUDE (__place), d.* FROM ${given} g JOIN ${this.#keys} d ON d.__place = g.__place; DROP TABLE ${given}`,
    )
    return table
  }

  async #groupValues(use: GroupUse, place: number, table: string, count: number, late: LateRule): Promise<readonly BatchColumn[]> {
    const { group } = use.plan
    const [bounds] = await this.#duck.rows(`SELECT min(__at) AS first, max(__at) AS last FROM ${table}`)
    const effective = (moment: unknown) => effectiveMoment(group.refresh, moment as number)
    const keys = use.keys.map(({ name }, index) => `${quoteIdentifier(keyColumn(name))} AS key_${index}`).join(', ')
    const read = historySql(
      use,
      this.#scan(place),
      `SELECT __k, CASE WHEN __use = ${place} THEN __upto ELSE __known END AS __upto, ${keys} FROM ${table}`,
      { asKnown: true, first: effective(bounds?.first), last: effective(bounds?.last) },
      ', k.__upto',
    )
    const since = 'coalesce(__known, __time)'
    const visible = [
      `${since} <= __upto`,
      ...(use.plan.kind === 'events' ? ['(__superseded IS NULL OR __superseded > __upto)'] : []),
      ...(late === 'all' || use.plan.kind === 'table' ? [] : [`${since} - __time <= ${latest(use, late)}`]),
    ]
    const { values } = await groupValues(
      this.#duck,
      use,
      {
        keyCount: count,
        momentCount: count,
        momentsSql: `SELECT __k, __at, __k AS __row FROM ${table} ORDER BY __k`,
        historySql: `SELECT * FROM (${read}) WHERE ${visible.join(' AND ')}`,
      },
      false,
      this.#interrupt,
    )
    return values.columns()
  }
}

const sameKeys = ({ plan: { group }, keys }: GroupUse): string =>
  keys.map(({ key, name }) => `s.${quoteIdentifier(group.keys[key] as string)} = d.${quoteIdentifier(keyColumn(name))}`).join(' AND ')

const timeSql = ({ plan: { group } }: GroupUse): string => `epoch_us(s.${quoteIdentifier(group.source.time)}::TIMESTAMP)::DOUBLE`

/** How late an event may be, in microseconds. */
function latest({ plan }: GroupUse, late: Exclude<LateRule, 'all'>): number {
  const { lateness } = plan.group.source
  if (late === 'within' || plan.kind === 'table') return lateness
  const finite = plan.windows.map(windowReach).filter(Number.isFinite)
  return lateness + Math.max(0, ...finite)
}

/** When a row became known; where nothing says so, when it happened. */
const knownSql = (use: GroupUse): string => `coalesce(epoch_us(s.__known)::DOUBLE, ${timeSql(use)})`
