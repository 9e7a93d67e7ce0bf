import { type AnyView, type Catalogue, type Entity, type FeatureGroupData, type SourceData, selectionsOf } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import type { KeyMatch, RowMatch } from '../offline/index.ts'
import { planView } from '../plan/index.ts'
import { type Cell, encodeKey, type TypeData, toCell } from '../schema/index.ts'

/** One of those that features describe, and where definitions say that it is meant. */
export class Subject {
  readonly entity: Entity
  /** In the entity's order. */
  readonly keys: readonly { readonly name: string; readonly type: TypeData; readonly cell: Cell }[]
  readonly #catalogue: Catalogue

  /** Throws `MISSING_KEY`, `UNKNOWN_NAME` or `INVALID_VALUE`. */
  constructor(catalogue: Catalogue, entity: Entity, values: Readonly<Record<string, unknown>>) {
    const types = Object.entries<TypeData>(entity.keys)
    for (const name of Object.keys(values))
      if (!Object.hasOwn(entity.keys, name)) throw new LockstepError('UNKNOWN_NAME', `The entity ${entity.name} has no key ${name}`)
    this.entity = entity
    this.keys = types.map(([name, type]) => {
      if (values[name] === undefined || values[name] === null)
        throw new LockstepError('MISSING_KEY', `The key ${name} of the entity ${entity.name} is missing`)
      return { name, type, cell: toCell(type, values[name], `key ${name}`) }
    })
    this.#catalogue = catalogue
  }

  /** Its values as texts, by which it is found in what cannot be read otherwise. */
  get texts(): readonly string[] {
    return this.keys.map(({ cell }) => String(cell))
  }

  /** The groups of its entity, and of entities that its keys are part of. */
  get groups(): readonly FeatureGroupData[] {
    return this.#catalogue.groups.filter(({ entity }) => this.#isIn(entity))
  }

  /** Which rows of an online table of a group are about it; `exact` where it is one key. */
  onlineKeys({ entity }: FeatureGroupData): { readonly exact: Uint8Array } | { readonly test: (key: Uint8Array) => boolean } {
    const packed = encodeKey(
      this.keys.map(({ type }) => type),
      this.keys.map(({ cell }) => cell),
    )
    const names = Object.keys(entity.keys)
    if (names.length === this.keys.length && names.every((name, at) => this.keys[at]?.name === name)) return { exact: packed }
    // Packed keys are those of the columns, one after the other.
    const parts = this.keys.map(({ type, cell }) => Buffer.from(encodeKey([type], [cell])))
    const first = names[0] === this.keys[0]?.name
    return {
      test: (key) =>
        (first ? parts[0]?.equals(key.subarray(0, parts[0].length)) : true) === true &&
        parts.every((part) => Buffer.from(key).includes(part)),
    }
  }

  /** Which rows of a source are about it: by the columns that groups take their keys from. */
  sourceRows(source: SourceData): RowMatch {
    return distinct(
      this.groups.filter((group) => group.source.name === source.name).map(({ keys }) => this.#match((name) => keys[name] as string)),
    )
  }

  /** Which rows of a group's values are. */
  groupRows(): RowMatch {
    return [this.#match((name) => name)]
  }

  /** Which rows of a view's vectors are: a key of the view may have another name. */
  viewRows(name: string, member?: string): RowMatch {
    const views = this.#catalogue.views.filter((view) => view.name === name)
    return distinct([this.#match((key) => key, member), ...views.flatMap((view) => this.#viewKeys(view, member))])
  }

  /** The sources of its groups. */
  get sources(): readonly SourceData[] {
    return [...new Map(this.groups.map(({ source }) => [source.name, source])).values()]
  }

  /** Groups of other entities that read, as values, columns which hold its keys. */
  get derived(): readonly FeatureGroupData[] {
    const others = this.#catalogue.groups.filter((group) => !this.groups.includes(group))
    return others.filter((group) => this.sourceRows(group.source).length > 0)
  }

  #viewKeys(view: AnyView, member?: string): KeyMatch[][] {
    const uses = selectionsOf(view).length === 0 ? [] : planView(view).uses
    return uses.flatMap(({ plan, keys }) => {
      if (!this.#isIn(plan.group.entity)) return []
      const names = new Map(keys.map(({ key, name }) => [key, name]))
      return [this.#match((name) => names.get(name) as string, member)]
    })
  }

  #isIn({ keys }: Entity): boolean {
    return this.keys.every(
      ({ name, type }) => Object.hasOwn(keys, name) && (keys as Readonly<Record<string, TypeData>>)[name]?.kind === type.kind,
    )
  }

  #match(column: (name: string) => string, member?: string): KeyMatch[] {
    return this.keys.map(({ name, type, cell }) =>
      member === undefined ? { column: column(name), type, cell } : { column: member, member: column(name), type, cell },
    )
  }
}

const distinct = (match: readonly (readonly KeyMatch[])[]): RowMatch => [
  ...new Map(match.map((keys) => [JSON.stringify(keys.map(({ column, member }) => [column, member])), keys])).values(),
]
