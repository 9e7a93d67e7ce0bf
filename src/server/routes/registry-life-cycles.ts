import { type LifeCycle, type LifeStatus, lifeStatuses, type Tombstone } from '../../registry/index.ts'
import type { Route } from '../route.ts'
import { listRoute, passes, text } from './registry-list.ts'

/** Where something stands that is not as its definition says, what it was, and whether its name is retired. */
interface LifeCycleEntry extends Omit<LifeCycle, 'reason'> {
  readonly kind: 'feature' | 'group' | 'view' | 'onDemand' | 'source' | 'entity'
  readonly name: string
  readonly version: number | null
  readonly feature: string | null
  /** Null of a source or entity, which goes with what reads it. */
  readonly reason: string | null
  /** The hash of what its name means for ever, where it was removed. */
  readonly meaning: string | null
}

const lifeCycles = listRoute<LifeCycleEntry>({
  path: '/registry/life-cycles',
  operationId: 'listLifeCycles',
  summary: 'What is deprecated or was removed: since when, by whom, why, and what to read instead',
  filters: {
    environment: { ...text, description: 'That of the server by default.' },
    status: { enum: lifeStatuses, description: 'deprecated and removed by default; active: what was brought back.' },
    kind: { enum: ['feature', 'group', 'view', 'onDemand', 'source', 'entity'] },
    name: { ...text, description: 'Of the group, view or other whole.' },
    by: text,
  },
  idOf: ({ id }) => id,
  async items(query, { store }) {
    const environment = query.environment === undefined ? store.environment : String(query.environment)
    const { lifeCycles: registered } = store.registry
    const stones = new Map((await registered.tombstones(environment)).map((stone) => [stone.id.replace(/^feature:/, ''), stone]))
    const cycles = new Map((await registered.list(environment)).map((cycle) => [cycle.id, cycle]))
    const ids = [...new Set([...cycles.keys(), ...stones.keys()])].sort()
    const wanted: readonly LifeStatus[] = query.status === undefined ? ['deprecated', 'removed'] : [query.status as LifeStatus]
    return ids
      .map((id) => entryOf(id, cycles.get(id), stones.get(id)))
      .filter((one) => wanted.includes(one.status) && passes(query, { kind: one.kind, name: one.name, by: one.by }))
  },
})

function entryOf(id: string, cycle: LifeCycle | undefined, stone: Tombstone | undefined): LifeCycleEntry {
  const [, kind = 'feature', name = '', version, feature = null] = /^(?:(\w+):)?([^@]+)(?:@(\d+))?(?:\.(.+))?$/.exec(id) ?? []
  const of = { id, kind: kind as LifeCycleEntry['kind'], name, version: version === undefined ? null : Number(version), feature }
  const meaning = stone?.meaning ?? null
  if (cycle) return { ...of, ...cycle, meaning }
  const nothing = { replacement: null, removeAfter: null, reason: null, brownOuts: [] }
  return { ...of, status: 'removed', ...nothing, at: stone?.removed ?? '', by: stone?.by ?? '', meaning }
}

export const lifeCycleListRoutes: readonly Route[] = [lifeCycles]
