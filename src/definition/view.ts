import { LockstepError } from '../errors.ts'
import { deepFreeze } from '../lib/deep-freeze.ts'
import { suggestion } from '../lib/suggestion.ts'
import { fromCell, type Kind, type TypeData, toCell } from '../schema/index.ts'
import type { ExpressionNode } from './expression.ts'
import { aKind, isLikeKey } from './key-type.ts'
import { checkedVersion, checkName } from './naming.ts'
import {
  type AnyItem,
  featureOrigins,
  type KeysOfItems,
  OnDemand,
  type RequestOfItems,
  selections,
  type ValuesOfItems,
} from './on-demand.ts'
import { checkRequired } from './required.ts'
import type { Selection } from './selection.ts'
import { checkedStatus, type DefinitionStatus } from './status.ts'

/** The features that a model reads, joined: its vector, the keys it needs and the values its callers give. */
export class FeatureView<Keys = unknown, Values = unknown, Request = unknown> {
  declare readonly keyTypes: Keys
  declare readonly valueTypes: Values
  declare readonly requestTypes: Request
  readonly kind = 'featureView'
  readonly name: string
  readonly version: number
  readonly status: DefinitionStatus
  readonly items: readonly (Selection | OnDemand)[]
  /** The key columns of the view: those of all its groups, each once. */
  readonly keys: Readonly<Record<string, TypeData>>
  readonly request: Readonly<Record<string, TypeData>>
  /** What stands for a feature that is null, by its name, as a public value. */
  readonly defaults: Readonly<Record<string, unknown>>
  readonly description: string
  readonly owner: string
  readonly tags: readonly string[]

  constructor(
    data: Pick<FeatureView, 'name' | 'version' | 'status' | 'items' | 'keys' | 'request' | 'defaults' | 'description' | 'owner' | 'tags'>,
  ) {
    this.name = data.name
    this.version = data.version
    this.status = data.status
    this.items = Object.freeze(data.items)
    this.keys = Object.freeze(data.keys)
    this.request = Object.freeze(data.request)
    this.defaults = deepFreeze(data.defaults)
    this.description = data.description
    this.owner = data.owner
    this.tags = Object.freeze([...data.tags])
    Object.freeze(this)
  }

  /** The names of the vector, in order. */
  get featureNames(): readonly string[] {
    return this.items.flatMap((item) => Object.keys(item.features))
  }
}

// biome-ignore lint/suspicious/noExplicitAny: matches every view
export type AnyView = FeatureView<any, any, any>
/** The values of a view's features for one entity row. */
export type VectorOf<View extends AnyView> = View['valueTypes']
/** The keys that a view is read by. */
export type KeysOf<View extends AnyView> = View['keyTypes']
/** The values that the caller of a view gives for its on-demand features. */
export type RequestOf<View extends AnyView> = View['requestTypes']
/** A row of a training set: the label's columns and the vector as of its moment. */
export type TrainingRowOf<View extends AnyView, Label = unknown> = Label & VectorOf<View>

/** An item whose features are already in the view is replaced by a text that says so, which the compiler shows. */
type WithoutDuplicates<
  Items extends readonly AnyItem[],
  Seen = never,
  Checked extends readonly unknown[] = readonly [],
> = Items extends readonly [infer Head extends AnyItem, ...infer Rest extends readonly AnyItem[]]
  ? WithoutDuplicates<
      Rest,
      Seen | keyof Head['valueTypes'],
      readonly [
        ...Checked,
        [keyof Head['valueTypes'] & Seen] extends [never] ? Head : `duplicate feature: ${keyof Head['valueTypes'] & Seen & string}`,
      ]
    >
  : readonly [...Checked, ...Items]

type DefaultsOf<Values> = { readonly [Name in keyof Values]?: NonNullable<Values[Name]> }
/** A feature with a default is never null. */
type Defaulted<Values, Defaults> = keyof Defaults extends never
  ? Values
  : { readonly [Name in keyof Values]: Name extends keyof Defaults ? NonNullable<Values[Name]> : Values[Name] }

export interface FeatureViewOptions<Items extends readonly AnyItem[], Defaults = unknown> {
  readonly name: string
  readonly version?: number
  /** `draft`: still being worked on; what is current passes it over. Taken out, or `active`, it is for all. */
  readonly status?: DefinitionStatus
  /** Groups, selections of groups (`pick`, `as`) and on-demand views. */
  readonly features: Items & WithoutDuplicates<Items>
  /**
   * What a model reads instead of null, in training as in serving: of a key that is not known, of a value that is stale or null, and
   * in serving of one that could not be had in time or whose on-demand code failed.
   */
  readonly defaults?: Defaults
  readonly description?: string
  readonly owner?: string
  readonly tags?: readonly string[]
}

/** Declares a feature view. Throws `DUPLICATE_NAME` for two features of one name, `INVALID_DEFINITION` for keys of one name and unlike types. */
export function featureView<
  const Items extends readonly AnyItem[],
  const Defaults extends DefaultsOf<ValuesOfItems<Items>> = Record<never, never>,
>(
  options: FeatureViewOptions<Items, Defaults>,
): FeatureView<KeysOfItems<Items>, Defaulted<ValuesOfItems<Items>, Defaults>, RequestOfItems<Items>> {
  const where = `feature view ${options.name}`
  checkName(options.name, 'feature view')
  checkRequired(options, 'features', where)
  const items = selections(options.features, where)
  if (items.length === 0) throw new LockstepError('INVALID_DEFINITION', 'A feature view needs a feature', { where })
  const keys: Record<string, TypeData> = {}
  const request: Record<string, TypeData> = {}
  const features = featureOrigins(items, where)
  const collect = (item: Selection | OnDemand, path: readonly OnDemand[]) => {
    if (item.kind === 'onDemand') {
      if (path.includes(item))
        throw new LockstepError('CYCLIC_DEFINITION', `${[...path, item].map(({ name }) => name).join(' -> ')}`, { where })
      merge(request, item.request, 'request value', where)
      for (const inner of item.from) collect(inner, [...path, item])
    } else {
      merge(
        keys,
        Object.fromEntries(Object.entries(item.keys).map(([key, name]) => [name, item.group.entity.keys[key] as TypeData])),
        'key',
        where,
      )
    }
  }
  for (const item of items) collect(item, [])
  for (const name of Object.keys(keys)) {
    if (features.has(name) || Object.hasOwn(request, name))
      throw new LockstepError('DUPLICATE_NAME', `${name} is a key and also a ${features.has(name) ? 'feature' : 'request value'}`, {
        where,
      })
  }
  const version = checkedVersion(options.version, where)
  return new FeatureView({
    name: options.name,
    version,
    status: checkedStatus(options.status, where),
    items,
    keys,
    request,
    defaults: checkedDefaults(items, options.defaults ?? {}, where),
    description: options.description ?? '',
    owner: options.owner ?? '',
    tags: options.tags ?? [],
  })
}

function checkedDefaults(items: readonly (Selection | OnDemand)[], defaults: object, where: string): Record<string, unknown> {
  const types = new Map(items.flatMap(typesOf))
  return Object.fromEntries(
    Object.entries(defaults).map(([name, value]) => {
      const type = types.get(name)
      if (!type)
        throw new LockstepError(
          'UNKNOWN_NAME',
          `There is a default for ${name}, which is no feature of the view${suggestion(name, [...types.keys()])}`,
          {
            where,
          },
        )
      if (!defaultKinds.has(type.kind))
        throw new LockstepError('INVALID_DEFINITION', `${name} is a ${type.kind}, which can have no default`, { where })
      const given = { ...type, nullable: false }
      return [name, fromCell(given, toCell(given, value, `${where}, default of ${name}`))]
    }),
  )
}

const defaultKinds: ReadonlySet<Kind> = new Set<Kind>([
  'string',
  'oneOf',
  'boolean',
  'integer',
  'int64',
  'float',
  'decimal',
  'timestamp',
  'date',
])

/** The types of an item's features by their names in the view. */
function typesOf(item: Selection | OnDemand): (readonly [string, TypeData])[] {
  if (item instanceof OnDemand) return Object.entries(item.features)
  return Object.entries(item.features).map(([name, own]) => [name, (item.group.features[own] as ExpressionNode).type])
}

function merge(into: Record<string, TypeData>, from: Readonly<Record<string, TypeData>>, what: string, where: string): void {
  for (const [name, type] of Object.entries(from)) {
    const before = Object.hasOwn(into, name) && into[name]
    if (before && !isLikeKey(before, type))
      throw new LockstepError('INVALID_DEFINITION', `The ${what} ${name} is ${aKind(before)} in one place and ${aKind(type)} in another`, {
        where,
      })
    into[name] = before || type
  }
}

/** Every group that a view reads, those behind its on-demand views included, each selection once. */
export function selectionsOf(view: AnyView): Selection[] {
  const found: Selection[] = []
  const visit = (item: Selection | OnDemand) => {
    if (item instanceof OnDemand) for (const inner of item.from) visit(inner)
    else found.push(item)
  }
  for (const item of view.items) visit(item)
  return found
}
