import type { ChangeEffect, Difference, ItemDifference, PartChange } from './diff.ts'
import { bare } from './item-parts.ts'

const signs: Readonly<Record<ChangeEffect, string>> = { added: '+', removed: '-', values: '~', metadata: '·' }
const kinds = { entity: 'entity', source: 'source', group: 'group', onDemand: 'on-demand', view: 'view' } as const

/** A difference as lines of text: what is added (+), removed (-), has other values (~), or the same ones, described otherwise (·). */
export function showDifference({ items, stored }: Difference): string {
  const places = stored.map(({ group, state }) => `! stored values of ${group}: ${storedStates[state]}`)
  return [...items.map(showItem), ...(places.length > 0 ? [places.join('\n')] : [])].join('\n\n')
}

const storedStates = {
  missing: 'to be written, by materialize (online) and backfill (offline)',
  invalid: 'those of another definition, online and offline',
  unused: 'read by nobody any more',
} as const

function showItem(item: ItemDifference): string {
  const lines = [
    `${signs[item.effect]} ${kinds[item.kind]} ${bare(item.id)}: ${summary(item)}`,
    ...[...item.properties, ...(isPlain(item) ? [] : item.parts)].map(showPart),
    ...(item.views.length > 0 && item.kind !== 'view' ? [`    read by ${item.views.map(bare).join(', ')}`] : []),
  ]
  return lines.join('\n')
}

/** The columns of a new source are many, and none of them changed. */
const isPlain = ({ kind, effect }: ItemDifference) => effect === 'added' && (kind === 'source' || kind === 'entity')

function summary({ effect, previous, because, parts, properties, kind }: ItemDifference): string {
  if (effect === 'removed') return 'removed'
  if (effect === 'values') return `values change${because.length > 0 ? `, as ${because.map(bare).join(', ')} changed` : ''}`
  if (effect === 'metadata') return kind === 'view' && parts.length > 0 ? 'reads equal values elsewhere' : 'values stay the same'
  if (previous === null) return 'new'
  const changes = [...parts, ...properties].some((change) => change.effect === 'values')
  return `new version of ${bare(previous)}, ${changes ? 'values change' : 'features in common keep their values'}`
}

function showPart({ name, effect, before, after }: PartChange): string {
  const text = before === null ? after : after === null ? before : before === after ? before : `${before} → ${after}`
  return `    ${signs[effect]} ${name}: ${text}`
}
