import { LockstepError } from '../errors.ts'
import { suggestion } from '../lib/suggestion.ts'
import type { FeatureGroupData } from './group.ts'
import { checkName } from './naming.ts'

/** Keys renamed by a mapping from the entity's key columns to the view's. */
export type Renamed<Keys, Mapping> = {
  readonly [Name in keyof Keys & string as Name extends keyof Mapping
    ? Mapping[Name] extends string
      ? Mapping[Name]
      : Name
    : Name]: Keys[Name]
}

export interface SelectionOptions<Mapping, Prefix extends string> {
  /** Key columns of the entity that the view calls otherwise: `{ city_id: 'origin_city_id' }`. */
  readonly keys?: Mapping
  /** Put before the name of each feature. */
  readonly prefix?: Prefix
}

/** Some features of a group, under the names that a view gives them. */
export class Selection<Keys = unknown, Values = unknown> {
  declare readonly keyTypes: Keys
  declare readonly valueTypes: Values
  readonly kind = 'selection'
  readonly group: FeatureGroupData
  /** The group's feature behind each name in the view. */
  readonly features: Readonly<Record<string, string>>
  /** The view's key column for each key column of the entity. */
  readonly keys: Readonly<Record<string, string>>

  constructor(group: FeatureGroupData, features: Record<string, string>, keys: Record<string, string>) {
    this.group = group
    for (const name of Object.keys(features)) checkName(name, 'feature', `selection of ${group.name}`)
    this.features = Object.freeze(features)
    this.keys = Object.freeze(keys)
    Object.freeze(this)
  }

  /** Every feature under its own name. */
  static all<Keys, Values>(group: FeatureGroupData): Selection<Keys, Values> {
    const same = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, name]))
    return new Selection(group, same(Object.keys(group.features)), same(Object.keys(group.entity.keys)))
  }

  pick<const Names extends readonly (keyof Values & string)[]>(
    ...names: Names
  ): Selection<Keys, { readonly [Name in Names[number]]: Values[Name] }> {
    if (names.length === 0)
      throw new LockstepError('INVALID_DEFINITION', 'pick() names no feature', { where: `selection of ${this.group.name}` })
    const features: Record<string, string> = {}
    for (const name of names) {
      const feature = Object.hasOwn(this.features, name) ? this.features[name] : undefined
      if (feature === undefined)
        throw new LockstepError(
          'UNKNOWN_NAME',
          `The group ${this.group.name} has no feature ${name}${suggestion(name, Object.keys(this.features))}`,
        )
      features[name] = feature
    }
    return new Selection(this.group, features, { ...this.keys })
  }

  as<const Mapping extends { readonly [Name in keyof Keys & string]?: string }, const Prefix extends string = ''>(
    options: SelectionOptions<Mapping, Prefix>,
  ): Selection<Renamed<Keys, Mapping>, { readonly [Name in keyof Values & string as `${Prefix}${Name}`]: Values[Name] }> {
    const prefix = options.prefix ?? ''
    const mapping: Readonly<Record<string, string | undefined>> = options.keys ?? {}
    for (const [key, alias] of Object.entries(mapping)) {
      if (!Object.hasOwn(this.keys, key))
        throw new LockstepError(
          'UNKNOWN_NAME',
          `The entity ${this.group.entity.name} has no key ${key}${suggestion(key, Object.keys(this.keys))}`,
        )
      checkName(alias ?? '', 'key column', this.group.name)
    }
    const keys = Object.fromEntries(
      Object.entries(this.keys).map(([key, name]) => [key, Object.hasOwn(mapping, key) ? (mapping[key] ?? name) : name]),
    )
    if (new Set(Object.values(keys)).size < Object.keys(keys).length) {
      throw new LockstepError(
        'DUPLICATE_NAME',
        `Two keys of ${this.group.entity.name} have one name in ${Object.values(keys).join(', ')}`,
        { where: `selection of ${this.group.name}` },
      )
    }
    return new Selection(
      this.group,
      Object.fromEntries(Object.entries(this.features).map(([name, feature]) => [`${prefix}${name}`, feature])),
      keys,
    )
  }
}
