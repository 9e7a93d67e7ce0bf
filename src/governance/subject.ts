import { type AnyView, type Catalogue, type Entity, type FeatureGroupData, type SourceData, selectionsOf } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { ByteWriter } from '../lib/bytes.ts'
import { anyColumn, type KeyMatch, type RowMatch } from '../offline/index.ts'
import { planView } from '../plan/index.ts'
import { type Cell, encodeCell, encodeKey, type TypeData, toCell } from '../schema/index.ts'

/** Throws `INVALID_VALUE` for a key that is empty: most likely a variable of a script that is not set, of which nothing found looks like done. */
export function refuseEmptyKeys(keys: Readonly<Record<string, unknown>>): void {
  const empty = Object.keys(keys).find((name) => keys[name] === '')
  if (empty !== undefined)
    throw new LockstepError('INVALID_VALUE', `The key ${empty} is empty, which names no subject`, { where: `key ${empty}` })
}

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

  /** Whether its values are texts, which are known where nobody says what the bytes around them mean; the number 7 may be anything. */
  get isTextual(): boolean {
    return this.keys.every(({ type }) => type.kind === 'string')
  }

  /** Rows of files of which nobody says what their columns mean: those that hold its values somewhere; null where those are not texts. */
  get anyRows(): RowMatch | null {
    return this.isTextual ? [this.#match(() => anyColumn)] : null
  }

  /** Whether a row of an online table of which nobody says what its keys are may be about it: by the bytes of its values. */
  get mayBeRow(): (key: Uint8Array, value: Uint8Array) => boolean {
    const holds = (bytes: Uint8Array, parts: readonly Uint8Array[]) => {
      const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
      return parts.every((part) => all.includes(Buffer.from(part)))
    }
    const packed = this.keys.map(({ type, cell }) => encodeKey([type], [cell]))
    const inValues = this.keys.map(({ type, cell }) => {
      const writer = new ByteWriter()
      encodeCell({ ...type, nullable: false }, cell, writer)
      return writer.finish()
    })
    return (key, value) => holds(key, packed) || (this.isTextual && holds(value, inValues))
  }

  /** The groups of its entity, and of entities that its keys are part of. */
  get groups(): readonly FeatureGroupData[] {
    return this.#catalogue.groups.filter(({ entity }) => this.isIn(entity))
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
  sourceRows(source: Pick<SourceData, 'name'>): RowMatch {
    return distinct(
      this.groups.filter((group) => group.source.name === source.name).map(({ keys }) => this.#match((name) => keys[name] as string)),
    )
  }

  /** Which others may be, though no group of its entity says so: by columns that have the names and kinds of its keys. */
  namesakeRows({ name }: Pick<SourceData, 'name'>): RowMatch {
    const known = this.sourceRows({ name }).map(columnsOf)
    const rows = this.#match((key) => key)
    const isThere = this.#catalogue.sources.some((source) => source.name === name && this.isIn({ keys: source.columns }))
    return isThere && !known.includes(columnsOf(rows)) ? [rows] : []
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

  /** The sources of its groups, as they are now, or were last. */
  get sources(): readonly SourceData[] {
    return [...new Map(this.groups.toReversed().map(({ source }) => [source.name, source])).values()].reverse()
  }

  /** These as they are, and as they were: with other topics or histories, say. */
  get sourcesEver(): readonly SourceData[] {
    const now = this.sources
    const known = new Set(now.map(({ name }) => name))
    return [...new Set([...now, ...this.#catalogue.sources.filter(({ name }) => known.has(name))])]
  }

  /** The sources with such rows, as they are and as they were. */
  get namesakes(): readonly SourceData[] {
    return this.#catalogue.sources.filter((source) => this.namesakeRows(source).length > 0)
  }

  /** Topics of all sources, be they about it or not. */
  get otherTopics(): readonly string[] {
    return this.#catalogue.sources.flatMap(({ stream }) => (stream === null ? [] : [stream.topic]))
  }

  /** Whether a source is one that definitions know, be it about it or not. */
  knowsSource(name: string): boolean {
    return this.#catalogue.sources.some((source) => source.name === name)
  }

  /** The groups that definitions know of a name, of whatever entity; with a version, those of it if there are any. */
  groupsNamed(name: string, version: number): readonly FeatureGroupData[] {
    const named = this.#catalogue.groups.filter((group) => group.name === name)
    const exact = named.filter((group) => group.version === version)
    return exact.length > 0 ? exact : named
  }

  /** Groups of other entities that read, as values, columns which hold its keys. */
  get derived(): readonly FeatureGroupData[] {
    const others = this.#catalogue.groups.filter((group) => !this.groups.includes(group))
    const derived = others.filter(({ source }) => this.sourceRows(source).length > 0 || this.namesakeRows(source).length > 0)
    return [...new Map(derived.toReversed().map((group) => [`${group.name}@${group.version}`, group])).values()].reverse()
  }

  #viewKeys(view: AnyView, member?: string): KeyMatch[][] {
    const uses = selectionsOf(view).length === 0 ? [] : planView(view).uses
    return uses.flatMap(({ plan, keys }) => {
      if (!this.isIn(plan.group.entity)) return []
      const names = new Map(keys.map(({ key, name }) => [key, name]))
      return [this.#match((name) => names.get(name) as string, member)]
    })
  }

  /** Whether its keys are keys of an entity, or some of them. */
  isIn({ keys }: Pick<Entity, 'keys'>): boolean {
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

const columnsOf = (keys: readonly KeyMatch[]): string => JSON.stringify(keys.map(({ column, member }) => [column, member]))
const distinct = (match: RowMatch): RowMatch => [...new Map(match.map((keys) => [columnsOf(keys), keys])).values()]
