import { effectiveMoment } from '../definition/index.ts'
import { type Duck, type Scan, transportSql } from '../offline/index.ts'
import { type EventGroupPlan, expressionSql, type GroupUse } from '../plan/index.ts'
import type { TypeData } from '../schema/index.ts'
import { type Interrupt, quoteIdentifier } from './context.ts'
import { columnsToRead, readEvents, transportColumns } from './event-history.ts'
import { eventValues } from './event-values.ts'
import { readMoments } from './moments.ts'
import { tableValues } from './table-values.ts'
import type { ValueColumns } from './value-columns.ts'

/** What one part of the work reads: dense keys, moments in order of row, and the history of those keys. */
export interface GroupInput {
  readonly keyCount: number
  readonly momentCount: number
  /** Gives `__k`, `__at`, `__row` in order of `__row`. */
  readonly momentsSql: string
  /** Gives `__k`, `__time`, the columns that the plan reads in transport form, and for tables or versions `__known` (and `__superseded`); null where there is none. */
  readonly historySql: string | null
}

/** The features of a group at each moment, with the rows that they belong to. */
export async function groupValues(
  duck: Duck,
  use: GroupUse,
  input: GroupInput,
  asKnown: boolean,
  interrupt: Interrupt,
): Promise<{ values: ValueColumns; rows: Float64Array; count: number }> {
  const { plan } = use
  const moments = await readMoments(duck, input.momentsSql, input.momentCount, input.keyCount, (moment) =>
    effectiveMoment(plan.group.refresh, moment),
  )
  if (plan.kind === 'table') {
    return {
      values: await tableValues(duck, plan, input.historySql, moments, asKnown, interrupt),
      rows: moments.rows,
      count: moments.count,
    }
  }
  const events = await readEvents(duck, input.historySql, plan, input.keyCount, asKnown, interrupt)
  interrupt.stage(`computing ${plan.group.name}`, moments.count)
  return { values: eventValues(plan, events, moments, interrupt), rows: moments.rows, count: moments.count }
}

/** The columns of a use's history that have to be read. */
export function historyColumns(use: GroupUse): readonly string[] {
  const { plan } = use
  return plan.kind === 'table' ? [...new Set([...plan.columns, ...plan.orderColumns])].sort() : columnsToRead(plan)
}

export interface HistoryBounds {
  readonly asKnown: boolean
  /** The first and last moment at which values will be asked for. */
  readonly first: number
  readonly last: number
  /** Also the events that no window reaches, or that pass no filter, which change no value but tell that a key was seen. */
  readonly everyEvent?: boolean
}

/** SELECT of a use's history joined with dense keys: `keysSql` gives `__k` and one column `key_i` for each key column of the entity. */
export function historySql(use: GroupUse, scan: Scan, keysSql: string, bounds: HistoryBounds, extra = ''): string {
  const { plan } = use
  const { group } = plan
  const columns = historyColumns(use)
  const selected =
    plan.kind === 'events'
      ? transportColumns(plan, columns, 's')
      : columns
          .map(
            (name) => `, ${transportSql(group.source.columns[name] as TypeData, `s.${quoteIdentifier(name)}`)} AS ${quoteIdentifier(name)}`,
          )
          .join('')
  const time = `s.${quoteIdentifier(group.source.time)}`
  const join = use.keys.map(({ key }, index) => `s.${quoteIdentifier(group.keys[key] as string)} = k.key_${index}`).join(' AND ')
  const versions =
    plan.kind === 'table'
      ? `, ${knownSql(group.source.known, group.source.columns)} AS __known`
      : bounds.asKnown
        ? ', epoch_us(s.__known)::DOUBLE AS __known, epoch_us(s.__superseded)::DOUBLE AS __superseded'
        : ''
  const conditions = [`${time} ${plan.kind === 'table' ? '<=' : '<'} make_timestamp(${bounds.last}::BIGINT)`]
  if (plan.kind === 'events' && !bounds.everyEvent && Number.isFinite(plan.reach))
    conditions.push(`${time} >= make_timestamp(${bounds.first - plan.reach}::BIGINT)`)
  const filter = plan.kind === 'events' && !bounds.everyEvent ? sharedFilter(plan) : null
  if (filter) conditions.push(filter)
  return `SELECT k.__k::DOUBLE AS __k, epoch_us(${time}::TIMESTAMP)::DOUBLE AS __time${selected}${versions}${extra} FROM (${scan.sql}) s JOIN (${keysSql}) k ON ${join} WHERE ${conditions.join(' AND ')}`
}

function knownSql(known: string | null, columns: Readonly<Record<string, TypeData>>): string {
  return known === null || !columns[known] ? 'NULL::DOUBLE' : `epoch_us(s.${quoteIdentifier(known)}::TIMESTAMP)::DOUBLE`
}

/** Rows that pass no filter of the group need not be read, unless a window looks at every event. */
function sharedFilter(plan: EventGroupPlan): string | null {
  if (plan.windows.some(({ kind }) => kind === 'session' || kind === 'since')) return null
  const filters: string[] = []
  for (const { filter } of plan.series) {
    const sql = filter === null ? null : expressionSql(filter, (name) => `s.${quoteIdentifier(name)}`)
    if (sql === null) return null
    filters.push(`(${sql})`)
  }
  return `(${[...new Set(filters)].join(' OR ')})`
}
