import { type Item, type ItemKind, itemId, type Snapshot } from '../definition/index.ts'
import { bare, SnapshotTexts } from './item-parts.ts'

/** `values`: the same feature has other values; `metadata`: the same values are described, or served, otherwise. */
export type ChangeEffect = 'added' | 'removed' | 'values' | 'metadata'

/** A feature, column or key that changed, or a property of the whole. */
export interface PartChange {
  readonly name: string
  readonly effect: ChangeEffect
  /** As it is shown to people; null where there was none. */
  readonly before: string | null
  readonly after: string | null
}

/** What changed of one definition. */
export interface ItemDifference {
  readonly id: string
  readonly kind: ItemKind
  readonly name: string
  readonly version: number
  readonly effect: ChangeEffect
  /** The version that it is compared with, where it is a new one of what is there already. */
  readonly previous: string | null
  /** Features of groups and views, columns of sources, keys of entities. */
  readonly parts: readonly PartChange[]
  /** All else that is declared: owner, description, refresh, time, ... */
  readonly properties: readonly PartChange[]
  /** What it refers to and has changed, so that its values do. */
  readonly because: readonly string[]
  /** The views that read it, directly or through others, after the change and before. */
  readonly views: readonly string[]
}

/** What becomes of the stored values of a group: still to be computed, those of another definition, or read by nobody any more. */
export interface StoredDifference {
  readonly group: string
  readonly state: 'missing' | 'invalid' | 'unused'
}

/** What differs between two sets of definitions, in order of the ids. */
export interface Difference {
  readonly items: readonly ItemDifference[]
  readonly stored: readonly StoredDifference[]
}

/** What changes from one set of definitions to another: item by item, and within each feature by feature. */
export function differenceOf(before: Snapshot, after: Snapshot): Difference {
  const [old, fresh] = [new SnapshotTexts(before), new SnapshotTexts(after)]
  const ids = [...new Set([...before.keys(), ...after.keys()])].sort()
  const changed = ids.filter((id) => {
    const [one, other] = [before.get(id), after.get(id)]
    return one?.hash !== other?.hash || one?.meaning !== other?.meaning
  })
  if (changed.length === 0) return { items: [], stored: [] }
  const readers = [readersOf(before, old), readersOf(after, fresh)]
  const items = changed.map((id): ItemDifference => {
    const item = (after.get(id) ?? before.get(id)) as Item
    const { kind, name, version } = item
    const effect = effectOf(before.get(id), after.get(id))
    const previous = effect === 'added' ? previousVersion(item, before) : null
    const shown = effect === 'removed' ? [] : [previous ?? id, id]
    const [from, to] = shown as [string?, string?]
    return {
      id,
      kind,
      name,
      version,
      effect,
      previous,
      parts: from === undefined || to === undefined ? [] : partChanges(old.parts(from), fresh.parts(to)),
      properties: effect === 'metadata' || effect === 'values' || previous !== null ? propertyChanges(old, fresh, from ?? id, id) : [],
      because: effect === 'values' ? fresh.references(id).filter((one) => effectOf(before.get(one), after.get(one)) === 'values') : [],
      views: [...new Set(readers.flatMap((views) => [...(views.get(id) ?? [])]))].sort(),
    }
  })
  return { items, stored: items.flatMap(storedDifference) }
}

function effectOf(before: Item | undefined, after: Item | undefined): ChangeEffect {
  if (!before) return 'added'
  if (!after) return 'removed'
  return before.meaning === after.meaning ? 'metadata' : 'values'
}

/** The highest version before that is below this one, or else any. */
function previousVersion({ kind, name, version }: Item, before: Snapshot): string | null {
  const versions = [...before.values()].filter((one) => one.kind === kind && one.name === name && one.version !== 0)
  const below = versions.filter((one) => one.version < version)
  const [best] = (below.length > 0 ? below : versions).sort((a, b) => b.version - a.version)
  return best ? itemId(best) : null
}

function partChanges(before: ReturnType<SnapshotTexts['parts']>, after: ReturnType<SnapshotTexts['parts']>): PartChange[] {
  return [...new Set([...after.keys(), ...before.keys()])].flatMap((name): PartChange[] => {
    const [one, other] = [before.get(name), after.get(name)]
    if (one?.text === other?.text && one?.meaning === other?.meaning) return []
    const effect = !one ? 'added' : !other ? 'removed' : one.meaning === other.meaning ? 'metadata' : 'values'
    return [{ name, effect, before: one?.text ?? null, after: other?.text ?? null }]
  })
}

function propertyChanges(old: SnapshotTexts, fresh: SnapshotTexts, from: string, to: string): PartChange[] {
  const [before, after] = [old.properties(from), fresh.properties(to)]
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((name): PartChange[] => {
    const [one, other] = [before.get(name) ?? null, after.get(name) ?? null]
    return one === other ? [] : [{ name, effect: describing.test(name) ? 'metadata' : 'values', before: one, after: other }]
  })
}

/** Properties that no value depends on. */
const describing = /^(status|description( of .*)?|owner|tags|columnTags|freshness|history|stream|lateness|cache)$/

function storedDifference({ id, kind, effect }: ItemDifference): StoredDifference[] {
  if (kind !== 'group' || effect === 'metadata') return []
  return [{ group: bare(id), state: effect === 'added' ? 'missing' : effect === 'removed' ? 'unused' : 'invalid' }]
}

/** The views that read each item, directly or through others. */
function readersOf(items: Snapshot, texts: SnapshotTexts): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>()
  const add = (id: string, view: string): void => {
    const known = found.get(id) ?? new Set()
    if (known.has(view)) return
    found.set(id, known.add(view))
    for (const next of texts.references(id)) add(next, view)
  }
  for (const [id, { kind }] of items) if (kind === 'view') add(id, id)
  return found
}
