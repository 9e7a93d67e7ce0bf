import {
  type CodeOf,
  catalogueOf,
  type Definition,
  definitionsOf,
  type Item,
  itemId,
  madeBefore,
  type Snapshot,
  snapshotOf,
  snapshotOfCatalogue,
} from '../definition/index.ts'
import { SnapshotTexts } from './item-parts.ts'

/** What an environment shall hold: what the files define, and versions of it that were applied before. */
export interface Target {
  readonly definitions: readonly Definition[]
  readonly snapshot: Snapshot
  /** Applied versions that the files no longer define, as they define others, and what those versions need. */
  readonly kept: readonly string[]
  /** Kept on-demand views whose function is in no file any more. */
  readonly withoutCode: readonly string[]
}

/**
 * The definitions of files, over what is applied: raising a version in a file makes a new one beside the old one, which stays until it is
 * removed on purpose. What the files define in no version is not kept.
 */
export function targetOf(files: readonly Definition[], applied: Snapshot): Target {
  const catalogue = catalogueOf(files)
  const own = snapshotOfCatalogue(catalogue)
  const kept = keptItems(own, applied)
  if (kept.size === 0) return { definitions: files, snapshot: own, kept: [], withoutCode: [] }
  const codes = new Map(catalogue.onDemand.map((one) => [one.code, one]))
  const withoutCode: string[] = []
  const codeOf: CodeOf = ({ code, ...rest }) => {
    const found = codes.get(code)
    if (!found) withoutCode.push(itemId({ ...rest, kind: 'onDemand' }))
    return found ?? { compute: missing }
  }
  const all = Object.values(catalogue).flat() as Definition[]
  // What the files define stays what it is, rows in memory included; only what is kept is made.
  const { made } = definitionsOf([...own.values(), ...kept.values()], codeOf, madeBefore(all, own))
  const old = [...kept.keys()].map((id) => made.get(id)?.definition as Definition)
  const again = snapshotOf(old)
  const items = [...own, ...[...kept.keys()].map((id) => [id, again.get(id) as Item] as const)]
  const snapshot = new Map(items.sort(([a], [b]) => (a < b ? -1 : 1)))
  return { definitions: [...files, ...old], snapshot, kept: [...kept.keys()].sort(), withoutCode: withoutCode.sort() }
}

function keptItems(own: Snapshot, applied: Snapshot): Map<string, Item> {
  const names = new Set([...own.values()].map(({ kind, name }) => `${kind}:${name}`))
  const texts = new SnapshotTexts(applied)
  const kept = new Map<string, Item>()
  const keep = (id: string, item: Item | undefined): void => {
    if (!item || own.has(id) || kept.has(id)) return
    kept.set(id, item)
    for (const needed of texts.references(id)) keep(needed, applied.get(needed))
  }
  for (const [id, item] of applied) if (item.version > 0 && names.has(`${item.kind}:${item.name}`)) keep(id, item)
  return kept
}

const missing = () => {
  throw new Error('The code of this version is in no file')
}
