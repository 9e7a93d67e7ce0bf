import { LockstepError } from '../errors.ts'
import { deepFreeze } from '../lib/deep-freeze.ts'
import { type Duration, durationMicros } from '../lib/duration.ts'
import { suggestion } from '../lib/suggestion.ts'
import type { Kind, TypeData } from '../schema/index.ts'
import type { Entity, KeyColumns, KeyOf } from './entity.ts'
import { Expression, type ExpressionNode } from './expression.ts'
import { aKind, isLikeKey } from './key-type.ts'
import { checkedVersion, checkName } from './naming.ts'
import { live, type Refresh } from './refresh.ts'
import { checkRequired } from './required.ts'
import { type Renamed, Selection, type SelectionOptions } from './selection.ts'
import { type Columns, type Row, rowOf, type Source, type SourceData } from './source.ts'
import { checkedStatus, type DefinitionStatus } from './status.ts'

/** A feature group as data: features of one entity from one source. */
export interface FeatureGroupData {
  readonly kind: 'featureGroup'
  readonly name: string
  readonly version: number
  readonly status: DefinitionStatus
  readonly entity: Entity
  readonly source: SourceData
  /** The source column of each key column of the entity. */
  readonly keys: Readonly<Record<string, string>>
  readonly refresh: Refresh
  /** Tables: how long a row counts, in microseconds; null for ever. */
  readonly ttl: number | null
  /** How long before a read what is stored may have been told, in microseconds; null: however long. Serving alone has this. */
  readonly freshness: number | null
  readonly features: Readonly<Record<string, ExpressionNode>>
  readonly descriptions: Readonly<Record<string, string>>
  readonly description: string
  readonly owner: string
  readonly tags: readonly string[]
}

export type Features = Readonly<Record<string, Expression>>
/** The public values of expressions by name. */
export type ValuesOf<F extends Features> = {
  readonly [Name in keyof F & string]: F[Name] extends Expression<Kind, infer N, infer V> ? (N extends true ? V | null : V) : never
}

export interface FeatureGroupOptions<E extends KeyColumns, C extends Columns, S extends 'events' | 'table', F extends Features> {
  readonly name: string
  /** Raised when a change alters values; stored values of a version never change. 1 by default. */
  readonly version?: number
  /** `draft`: still being worked on; no active view may read it. Taken out, or `active`, it is for all. */
  readonly status?: DefinitionStatus
  readonly entity: Entity<E>
  readonly source: Source<C, S>
  /** Key columns that the source calls otherwise: `{ user_id: 'buyer_id' }`. */
  readonly keys?: { readonly [Name in keyof E & string]?: keyof C & string }
  /** `live` (default), or `every('1d')`. */
  readonly refresh?: Refresh
  /** Tables only: a row older than this no longer counts. */
  readonly ttl?: Duration
  /**
   * The freshness objective: what was stored longer before a read is served as null and STALE. Of a table the time of the row counts, of
   * events the run that wrote them; groups that a stream keeps up to date have a lag instead. It changes no value of training.
   */
  readonly freshness?: Duration
  /** Events: aggregates of the row's columns, and arithmetic on them. Tables: the row's columns, and arithmetic on them. */
  readonly features: (row: Row<C, S>) => F
  readonly descriptions?: { readonly [Name in keyof F & string]?: string }
  readonly description?: string
  readonly owner?: string
  readonly tags?: readonly string[]
}

/** A frozen feature group: plain data, with `pick` and `as` to use it in a view. `Keys` and `Values` are inferred types. */
export class FeatureGroup<Keys = unknown, Values = unknown> implements FeatureGroupData {
  declare readonly keyTypes: Keys
  declare readonly valueTypes: Values
  readonly kind = 'featureGroup'
  readonly name: string
  readonly version: number
  readonly status: DefinitionStatus
  readonly entity: Entity
  readonly source: SourceData
  readonly keys: Readonly<Record<string, string>>
  readonly refresh: Refresh
  readonly ttl: number | null
  /** How long before a read what is stored may have been told, in microseconds; null: however long. Serving alone has this. */
  readonly freshness: number | null
  readonly features: Readonly<Record<string, ExpressionNode>>
  readonly descriptions: Readonly<Record<string, string>>
  readonly description: string
  readonly owner: string
  readonly tags: readonly string[]

  constructor(data: Omit<FeatureGroupData, 'kind'>) {
    this.name = data.name
    this.version = data.version
    this.status = data.status
    this.entity = data.entity
    this.source = data.source
    this.keys = Object.freeze({ ...data.keys })
    this.refresh = data.refresh
    this.ttl = data.ttl
    this.freshness = data.freshness
    this.features = deepFreeze({ ...data.features })
    this.descriptions = Object.freeze({ ...data.descriptions })
    this.description = data.description
    this.owner = data.owner
    this.tags = Object.freeze([...data.tags])
    Object.freeze(this)
  }

  /** Some of the features, for a view. */
  pick<const Names extends readonly (keyof Values & string)[]>(
    ...names: Names
  ): Selection<Keys, { readonly [Name in Names[number]]: Values[Name] }> {
    return Selection.all<Keys, Values>(this).pick(...names)
  }

  /** The group under another entity key, and with a prefix before its features: origin and destination of one trip. */
  as<const Mapping extends { readonly [Name in keyof Keys & string]?: string }, const Prefix extends string = ''>(
    options: SelectionOptions<Mapping, Prefix>,
  ): Selection<Renamed<Keys, Mapping>, { readonly [Name in keyof Values & string as `${Prefix}${Name}`]: Values[Name] }> {
    return Selection.all<Keys, Values>(this).as(options)
  }
}

/**
 * Declares features of one entity from one source. Throws `INVALID_DEFINITION`, `UNKNOWN_COLUMN` or `MISSING_KEY`
 * with the feature's name where the definition contradicts itself.
 */
export function featureGroup<E extends KeyColumns, C extends Columns, S extends 'events' | 'table', const F extends Features>(
  options: FeatureGroupOptions<E, C, S, F>,
): FeatureGroup<KeyOf<Entity<E>>, ValuesOf<F>> {
  const where = `feature group ${options.name}`
  checkName(options.name, 'feature group')
  for (const name of ['entity', 'source', 'features']) checkRequired(options, name, where)
  const version = checkedVersion(options.version, where)
  const { entity, source } = options
  const keys: Record<string, string> = {}
  for (const [key, type] of Object.entries<TypeData>(entity.keys)) {
    const column = (options.keys && Object.hasOwn(options.keys, key) && options.keys[key]) || key
    const found = Object.hasOwn(source.columns, column) && source.columns[column]
    if (!found)
      throw new LockstepError(
        'MISSING_KEY',
        `The source ${source.name} has no column ${column} for the key ${key} of ${entity.name}${suggestion(column, Object.keys(source.columns))}`,
        { where, remedy: `Name the column: keys: { ${key}: '...' }.` },
      )
    if (!isLikeKey(found, type))
      throw new LockstepError(
        'INVALID_DEFINITION',
        `The key ${key} is ${aKind(type)}, the column ${column} of ${source.name} ${aKind(found)}`,
        { where },
      )
    keys[key] = column
  }
  if (options.ttl !== undefined && source.kind === 'events')
    throw new LockstepError('INVALID_DEFINITION', 'A ttl is for tables; give the aggregates of events a window', { where })
  const features: Record<string, ExpressionNode> = {}
  for (const [name, expression] of Object.entries(options.features(rowOf(source)))) {
    const place = `${where}, feature ${name}`
    checkName(name, 'feature', where)
    if (!(expression instanceof Expression))
      throw new LockstepError('INVALID_DEFINITION', `The feature is ${String(expression)} and not an expression`, { where: place })
    checkFeature(expression.node, source.kind, place, false)
    features[name] = expression.node
  }
  if (Object.keys(features).length === 0) throw new LockstepError('INVALID_DEFINITION', 'A feature group needs a feature', { where })
  return new FeatureGroup({
    name: options.name,
    version,
    status: checkedStatus(options.status, where),
    entity,
    source,
    keys,
    refresh: options.refresh ?? live,
    ttl: options.ttl === undefined ? null : durationMicros(options.ttl, where),
    freshness: options.freshness === undefined ? null : durationMicros(options.freshness, where),
    features,
    descriptions: (options.descriptions ?? {}) as Record<string, string>,
    description: options.description ?? '',
    owner: options.owner ?? '',
    tags: options.tags ?? [],
  })
}

/** Events are seen through aggregates, rows of tables as they are; aggregates do not nest. */
function checkFeature(node: ExpressionNode, kind: SourceData['kind'], where: string, inAggregate: boolean): void {
  const refuse = (why: string, remedy?: string): never => {
    throw new LockstepError('INVALID_DEFINITION', why, { where, ...(remedy ? { remedy } : {}) })
  }
  switch (node.node) {
    case 'column':
      if (kind === 'events' && !inAggregate)
        refuse(`The column ${node.name} of events has many values`, `Aggregate it, for example last(row.${node.name}).`)
      return
    case 'asOf':
      if (inAggregate) refuse('The as-of moment cannot be used inside an aggregate', 'Use it outside: secondsSince(last(...)).')
      return
    case 'aggregate':
      if (inAggregate) refuse('An aggregate cannot be inside another')
      if (kind === 'table') refuse('A table has one row at a moment, which cannot be aggregated', 'Declare the source with events(...).')
      for (const input of [
        ...node.inputs,
        ...(node.filter ? [node.filter] : []),
        ...(node.window.kind === 'since' ? [node.window.condition] : []),
      ])
        checkFeature(input, kind, where, true)
      return
    case 'call':
      for (const argument of node.arguments) checkFeature(argument, kind, where, inAggregate)
      return
    case 'literal':
      return
  }
}
