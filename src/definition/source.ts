import { LockstepError } from '../errors.ts'
import { deepFreeze } from '../lib/deep-freeze.ts'
import { type Duration, durationMicros } from '../lib/duration.ts'
import { suggestion } from '../lib/suggestion.ts'
import { ColumnType, type Kind, type TypeData, type ValueOf } from '../schema/index.ts'
import { keyKinds } from './entity.ts'
import { Expression } from './expression.ts'
import type { History } from './history.ts'
import { checkName } from './naming.ts'
import type { StreamData, Topic } from './stream.ts'

export type Columns = Readonly<Record<string, ColumnType<Kind, unknown, boolean>>>

/** What to do with a row that violates the schema: end with `ROW_REFUSED`, or count it, report it and leave it out. */
export type InvalidRows = 'refuse' | 'setAside'

/**
 * A source as data. `time` is the event time of events, or the moment from which a row of a table is valid.
 * `known` is the moment at which a row became known; `order` are the tie-breaking columns of a table.
 */
export interface SourceData {
  readonly kind: 'events' | 'table'
  readonly name: string
  readonly columns: Readonly<Record<string, TypeData>>
  readonly time: string
  /** The columns that identify an event; empty where its content does. Always empty for a table. */
  readonly id: readonly string[]
  readonly known: string | null
  readonly order: readonly string[]
  /** IANA zone of times that name none; UTC by default. */
  readonly timeZone: string
  /** How late an event may arrive and still count in the live state, in microseconds. */
  readonly lateness: number
  readonly invalidRows: InvalidRows
  readonly history: History | null
  /** Where its events come from while they happen; null for a table. */
  readonly stream: StreamData | null
  readonly description: string
  readonly owner: string
  readonly tags: readonly string[]
  /** Tags of single columns, which flow to all that derives from them. */
  readonly columnTags: Readonly<Record<string, readonly string[]>>
}

/** A source whose columns are known to the compiler. */
export interface Source<C extends Columns = Columns, S extends 'events' | 'table' = 'events' | 'table'> extends SourceData {
  readonly kind: S
  /** The types of the columns, for inference only. */
  readonly columnTypes?: C
}

/** The typed columns of a source, as a feature group's callback receives them. Rows of a table may be missing: all nullable. */
export type Row<C extends Columns, S extends 'events' | 'table' = 'events'> = {
  readonly [Name in keyof C]: C[Name] extends ColumnType<infer K, infer V, infer N> ? Expression<K, S extends 'table' ? true : N, V> : never
}
/** A row as rows in memory give it. */
export type RowValues<C extends Columns> = {
  readonly [Name in keyof C]: ValueOf<C[Name]> | (C[Name] extends ColumnType<'timestamp', unknown, boolean> ? Date : never)
}

type NameOf<C> = keyof C & string
type TimeColumn<C extends Columns> = {
  [Name in NameOf<C>]: C[Name] extends ColumnType<'timestamp' | 'date', unknown, false> ? Name : never
}[NameOf<C>]
type MomentColumn<C extends Columns> = {
  [Name in NameOf<C>]: C[Name] extends ColumnType<'timestamp' | 'date', unknown, boolean> ? Name : never
}[NameOf<C>]

interface SharedOptions<C extends Columns> {
  readonly columns: C
  /** The column that says when it happened, or from when the row is valid. */
  readonly time: TimeColumn<C>
  /** Where its past is kept: `parquet(...)`, `csv(...)`, `ndjson(...)` or `rows(...)`. */
  readonly history?: History
  readonly timeZone?: string
  readonly invalidRows?: InvalidRows
  readonly description?: string
  readonly owner?: string
  readonly tags?: readonly string[]
  /** Tags of single columns, such as `{ email: ['pii'] }`; what derives from a column has its tags too. */
  readonly columnTags?: { readonly [Name in NameOf<C>]?: readonly string[] }
}

export interface EventsOptions<C extends Columns> extends SharedOptions<C> {
  /** The column or columns that identify an event. Events of one id are one event; the version known last counts. */
  readonly id?: NameOf<C> | readonly NameOf<C>[]
  /** The column that says when the row became known (ingestion time). */
  readonly known?: MomentColumn<C>
  readonly lateness?: Duration
  /** Where its events come from while they happen: `topic('orders', { key: 'user_id' })`. */
  readonly stream?: Topic<NameOf<C>>
}

export interface TableOptions<C extends Columns> extends SharedOptions<C> {
  /** The column that says when the row was created; of rows with equal time the newest counts. */
  readonly created?: MomentColumn<C>
  /** Columns that decide between rows of equal time and creation, the largest value first named winning. */
  readonly order?: readonly NameOf<C>[]
}

/**
 * Declares events: things that happened, once, at a moment.
 * `events('orders', { columns: {...}, time: 'at', id: 'order_id', lateness: '1h', history: parquet('orders/*.parquet') })`
 */
export function events<const C extends Columns>(name: string, options: EventsOptions<C>): Source<C, 'events'> {
  const id = options.id === undefined ? [] : typeof options.id === 'string' ? [options.id] : options.id
  return source('events', name, options, {
    id,
    known: options.known ?? null,
    order: [],
    lateness: durationMicros(options.lateness ?? '0s', `source ${name}`, true),
    stream: options.stream ?? null,
  })
}

/** Declares a table: what is known about something, each row valid from its time on until a newer one. */
export function table<const C extends Columns>(name: string, options: TableOptions<C>): Source<C, 'table'> {
  return source('table', name, options, { id: [], known: options.created ?? null, order: options.order ?? [], lateness: 0, stream: null })
}

function source<C extends Columns, S extends 'events' | 'table'>(
  kind: S,
  name: string,
  options: SharedOptions<C>,
  rest: Pick<SourceData, 'id' | 'known' | 'order' | 'lateness' | 'stream'>,
): Source<C, S> {
  const where = `source ${name}`
  checkName(name, 'source')
  const columns: Record<string, TypeData> = {}
  for (const [column, type] of Object.entries(options.columns)) {
    checkName(column, 'column', where)
    if (!(type instanceof ColumnType)) throw new LockstepError('INVALID_DEFINITION', `The column ${column} has no type`, { where })
    columns[column] = type.data
  }
  const { id, known: knownColumn, order, stream } = rest
  const tagged = Object.keys(options.columnTags ?? {})
  for (const column of [options.time, ...id, ...(knownColumn === null ? [] : [knownColumn]), ...order, ...(stream?.key ?? []), ...tagged]) {
    if (!Object.hasOwn(columns, column))
      throw new LockstepError('UNKNOWN_COLUMN', `The column ${column} is not declared${suggestion(column, Object.keys(columns))}`, {
        where,
      })
  }
  const time = columns[options.time] as TypeData
  if (time.nullable || (time.kind !== 'timestamp' && time.kind !== 'date')) {
    throw new LockstepError('INVALID_DEFINITION', `The time column ${options.time} must be a timestamp or a date that is never null`, {
      where,
    })
  }
  const known = rest.known === null ? null : columns[rest.known]
  if (known && known.kind !== 'timestamp' && known.kind !== 'date')
    throw new LockstepError('INVALID_DEFINITION', `The column ${rest.known} must be a timestamp or a date`, { where })
  if (stream) checkStream(stream, columns, id.length > 0 || !options.history, where)
  return Object.freeze({
    kind,
    name,
    columns: deepFreeze(columns),
    time: options.time,
    ...rest,
    id: Object.freeze([...rest.id]),
    order: Object.freeze([...rest.order]),
    timeZone: options.timeZone ?? 'UTC',
    invalidRows: options.invalidRows ?? 'refuse',
    history: options.history ?? null,
    description: options.description ?? '',
    owner: options.owner ?? '',
    tags: Object.freeze([...(options.tags ?? [])]),
    columnTags: deepFreeze({ ...options.columnTags }),
  }) as Source<C, S>
}

function checkStream({ key }: StreamData, columns: Readonly<Record<string, TypeData>>, distinct: boolean, where: string): void {
  for (const column of key) {
    const { kind } = columns[column] as TypeData
    if (!keyKinds.includes(kind))
      throw new LockstepError('INVALID_DEFINITION', `The key of the stream, ${column}, is a ${kind}, which cannot identify anything`, {
        where,
      })
  }
  if (distinct) return
  throw new LockstepError('INVALID_DEFINITION', 'A source with a history and a stream needs an id: both may hold the same event', {
    where,
    remedy: 'Declare the columns that identify an event: `id: ...`.',
  })
}

/** The columns of a source as expressions; naming one that is not declared throws `UNKNOWN_COLUMN`. */
export function rowOf<C extends Columns, S extends 'events' | 'table'>(data: Source<C, S>): Row<C, S> {
  const columns = Object.fromEntries(
    Object.entries(data.columns).map(([name, type]) => [
      name,
      new Expression({ node: 'column', name, type: data.kind === 'table' ? { ...type, nullable: true } : type }),
    ]),
  )
  return new Proxy(columns, {
    get(target, name) {
      if (typeof name === 'symbol' || Object.hasOwn(target, name)) return Reflect.get(target, name)
      throw new LockstepError('UNKNOWN_COLUMN', `The column ${name} is not declared${suggestion(name, Object.keys(data.columns))}`, {
        where: `source ${data.name}`,
      })
    },
  }) as Row<C, S>
}
