import { LockstepError } from '../errors.ts'
import { deepFreeze } from '../lib/deep-freeze.ts'
import { ColumnType, type TypeData, type ValueOf } from '../schema/index.ts'
import { callerModule, codeHash } from './code-hash.ts'
import { FeatureGroup } from './group.ts'
import { checkedVersion, checkName } from './naming.ts'
import { checkRequired } from './required.ts'
import { Selection } from './selection.ts'
import type { Columns } from './source.ts'
import { checkedStatus, type DefinitionStatus } from './status.ts'

/** What a feature view or an on-demand view can read. */
// biome-ignore lint/suspicious/noExplicitAny: the only way to match every instance of an invariant generic in a constraint
export type AnyItem = FeatureGroup<any, any> | Selection<any, any> | OnDemand<any, any, any>

type Intersect<Union> = (Union extends unknown ? (member: Union) => void : never) extends (member: infer All) => void ? All : never
type Flat<T> = { readonly [Name in keyof T]: T[Name] }
export type KeysOfItems<Items extends readonly AnyItem[]> = Flat<Intersect<Items[number]['keyTypes']>>
export type ValuesOfItems<Items extends readonly AnyItem[]> = Items extends readonly []
  ? Record<never, never>
  : Flat<Intersect<Items[number]['valueTypes']>>
export type RequestOfItems<Items extends readonly AnyItem[]> = Flat<
  Intersect<
    { [Index in keyof Items]: Items[Index] extends { readonly requestTypes: infer Request } ? Request : Record<never, never> }[number]
  >
>

type ValuesOfColumns<C extends Columns> = { readonly [Name in keyof C & string]: ValueOf<C[Name]> }
/** A request as callers give it: nullable values may be left out, timestamps may be dates. */
type RequestOfColumns<C extends Columns> = {
  readonly [Name in keyof C & string as C[Name] extends ColumnType<infer _K, infer _V, true> ? never : Name]: Given<C[Name]>
} & {
  readonly [Name in keyof C & string as C[Name] extends ColumnType<infer _K, infer _V, true> ? Name : never]?: Given<C[Name]>
}
type Given<T> = ValueOf<T> | (T extends ColumnType<'timestamp', infer _V, infer _N> ? Date : never)

export type Compute = (
  known: Readonly<Record<string, unknown>>,
  request: Readonly<Record<string, unknown>>,
) => Readonly<Record<string, unknown>>

/** Features computed at the moment of asking, from other features and from values of the request, by the same code in training and serving. */
export class OnDemand<Keys = unknown, Values = unknown, Request = unknown> {
  declare readonly keyTypes: Keys
  declare readonly valueTypes: Values
  declare readonly requestTypes: Request
  readonly kind = 'onDemand'
  readonly name: string
  readonly version: number
  readonly status: DefinitionStatus
  readonly request: Readonly<Record<string, TypeData>>
  readonly from: readonly (Selection | OnDemand)[]
  readonly features: Readonly<Record<string, TypeData>>
  readonly compute: Compute
  /** Hash of the code of `compute` and of what it uses, without formatting and comments. */
  readonly code: string
  /** False where some of that code could not be seen: the hash may then stay equal while values change. */
  readonly codeComplete: boolean
  /** How many results serving keeps by their inputs; 0: none. */
  readonly cache: number
  readonly description: string
  readonly owner: string
  readonly tags: readonly string[]

  constructor(
    data: Pick<
      OnDemand,
      | 'name'
      | 'version'
      | 'status'
      | 'request'
      | 'from'
      | 'features'
      | 'compute'
      | 'code'
      | 'codeComplete'
      | 'cache'
      | 'description'
      | 'owner'
      | 'tags'
    >,
  ) {
    this.name = data.name
    this.version = data.version
    this.status = data.status
    this.request = deepFreeze(data.request)
    this.from = Object.freeze(data.from)
    this.features = deepFreeze(data.features)
    this.compute = data.compute
    this.code = data.code
    this.codeComplete = data.codeComplete
    this.cache = data.cache
    this.description = data.description
    this.owner = data.owner
    this.tags = Object.freeze([...data.tags])
    Object.freeze(this)
  }
}

export interface OnDemandOptions<R extends Columns, Items extends readonly AnyItem[], F extends Columns> {
  readonly name: string
  readonly version?: number
  /** `draft`: still being worked on; no active view may read it. Taken out, or `active`, it is for all. */
  readonly status?: DefinitionStatus
  /** The values that the caller gives; in training, columns of the labels. */
  readonly request?: R
  /** The features it reads, and other on-demand views. */
  readonly from?: Items
  /** The features it computes, with their types. */
  readonly features: F
  /** Plain, synchronous TypeScript without side effects: the same values for the same arguments. */
  readonly compute: (known: ValuesOfItems<Items>, request: ValuesOfColumns<R>) => ValuesOfColumns<F>
  /** How many results serving may keep by their inputs, for code that takes longer than finding them again. None by default. */
  readonly cache?: number
  readonly description?: string
  readonly owner?: string
  readonly tags?: readonly string[]
}

/** Declares on-demand features. Throws `INVALID_DEFINITION`, `DUPLICATE_NAME` for two features that it reads by one name, or `CIRCULAR_IMPORT`. */
export function onDemand<
  const R extends Columns = Record<never, never>,
  const Items extends readonly AnyItem[] = readonly [],
  const F extends Columns = Columns,
>(options: OnDemandOptions<R, Items, F>): OnDemand<KeysOfItems<Items>, ValuesOfColumns<F>, RequestOfColumns<R> & RequestOfItems<Items>> {
  const where = `on-demand view ${options.name}`
  checkName(options.name, 'on-demand view')
  checkRequired(options, 'features', where)
  if (typeof options.compute !== 'function') throw new LockstepError('INVALID_DEFINITION', 'compute is not a function', { where })
  if (options.compute.constructor.name !== 'Function')
    throw new LockstepError('INVALID_DEFINITION', 'compute must be a plain synchronous function', { where })
  const from = selections(options.from ?? [], where)
  featureOrigins(from, where)
  if (Object.keys(options.features).length === 0)
    throw new LockstepError('INVALID_DEFINITION', 'An on-demand view needs a feature', { where })
  const { hash, complete } = codeHash(options.compute, callerModule())
  return new OnDemand({
    name: options.name,
    version: checkedVersion(options.version, where),
    status: checkedStatus(options.status, where),
    request: types(options.request ?? {}, 'request value', where),
    from,
    features: types(options.features, 'feature', where),
    compute: options.compute as unknown as Compute,
    code: hash,
    codeComplete: complete,
    cache: checkedCache(options.cache ?? 0, where),
    description: options.description ?? '',
    owner: options.owner ?? '',
    tags: options.tags ?? [],
  })
}

function checkedCache(entries: number, where: string): number {
  if (Number.isSafeInteger(entries) && entries >= 0 && entries <= 1_000_000) return entries
  throw new LockstepError('INVALID_DEFINITION', `cache is the number of results kept, 0 to 1,000,000, not ${entries}`, { where })
}

function types(columns: Columns, what: string, where: string): Record<string, TypeData> {
  return Object.fromEntries(
    Object.entries(columns).map(([name, type]) => {
      checkName(name, what, where)
      if (!(type instanceof ColumnType)) throw new LockstepError('INVALID_DEFINITION', `The ${what} ${name} has no type`, { where })
      return [name, type.data]
    }),
  )
}

/** Groups as selections of all their features; an undefined item is the mark of a circular import. */
export function selections(items: readonly AnyItem[], where: string): (Selection | OnDemand)[] {
  return items.map((item, index) => {
    if (item instanceof FeatureGroup) return Selection.all(item)
    if (item instanceof Selection || item instanceof OnDemand) return item
    if (item === undefined) throw new LockstepError('CIRCULAR_IMPORT', `Item ${index + 1} is undefined`, { where })
    throw new LockstepError(
      'INVALID_DEFINITION',
      `Item ${index + 1} is neither a feature group, a selection of one, nor an on-demand view`,
      { where },
    )
  })
}

/** Where each feature of the items comes from, by its name. Throws `DUPLICATE_NAME` for two of one name. */
export function featureOrigins(items: readonly (Selection | OnDemand)[], where: string): ReadonlyMap<string, string> {
  const origins = new Map<string, string>()
  for (const item of items) {
    const origin = item.kind === 'onDemand' ? item.name : item.group.name
    for (const name of Object.keys(item.features)) {
      if (origins.has(name)) {
        throw new LockstepError('DUPLICATE_NAME', `The feature ${name} comes from ${origins.get(name)} and from ${origin}`, {
          where,
          remedy: "Leave one out with pick(...), or rename with as({ prefix: '...' }).",
        })
      }
      origins.set(name, origin)
    }
  }
  return origins
}
