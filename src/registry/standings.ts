import { type Catalogue, type DefinitionStatus, itemId } from '../definition/index.ts'
import type { CatalogueSearch, FoundKind, SearchOptions, SearchResult } from '../plan/index.ts'
import type { LifeCycle, LifeStatus } from './life-cycles.ts'

/** Where something stands, and what was said of it, or of the group that it is part of, where anything was. */
export interface Standing {
  readonly status: LifeStatus
  readonly cycle: LifeCycle | null
}

const active: Standing = { status: 'active', cycle: null }

/** Where groups, on-demand views, views and their features stand: as they declare it, unless the registry knows of something later. */
export class Standings {
  readonly #cycles: ReadonlyMap<string, LifeCycle>
  readonly #declared = new Map<string, DefinitionStatus>()
  /** By `user_orders@1`, the ids of what has these features. */
  readonly #wholes = new Map<string, string>()

  constructor({ groups, onDemand, views }: Pick<Catalogue, 'groups' | 'onDemand' | 'views'>, cycles: Iterable<LifeCycle>) {
    this.#cycles = new Map([...cycles].map((cycle) => [cycle.id, cycle]))
    for (const [kind, all] of [
      ['group', groups],
      ['onDemand', onDemand],
      ['view', views],
    ] as const)
      for (const { name, version, status } of all) {
        const id = itemId({ kind, name, version })
        this.#declared.set(id, status)
        if (kind !== 'view') this.#wholes.set(`${name}@${version}`, id)
      }
  }

  /** Of `group:user_orders@1`, `user_orders@1`, `view:ranking@1` or `user_orders@1.user_order_count_7d`; active, what has no status. */
  of(id: string): Standing {
    const whole = this.#wholes.get(id.split('.', 1)[0] ?? '') ?? id
    const said = [id, whole].flatMap((each) => this.#cycles.get(each) ?? [])
    const later = said.find(({ status }) => status === 'deprecated' || status === 'removed')
    if (later) return { status: later.status, cycle: later }
    const status = this.#declared.get(whole) ?? 'active'
    const [cycle] = said
    return cycle || status === 'draft' ? { status, cycle: cycle ?? null } : active
  }
}

const withoutStatus: ReadonlySet<FoundKind> = new Set<FoundKind>(['source', 'column', 'entity'])

/** As a search finds things, with where each stands, null for those that have no status; only those of one status where it is given. */
export function searchWithStatus(
  search: CatalogueSearch,
  standings: Standings,
  text: string,
  { status: wanted, ...options }: Omit<SearchOptions, 'only'> & { readonly status?: LifeStatus | undefined },
): (SearchResult & { readonly status: LifeStatus | null })[] {
  const statusOf = ({ kind, id }: Pick<SearchResult, 'kind' | 'id'>) => (withoutStatus.has(kind) ? null : standings.of(id).status)
  const only = (found: Pick<SearchResult, 'kind' | 'id'>) => wanted === undefined || statusOf(found) === wanted
  return search.search(text, { ...options, only }).map((found) => ({ ...found, status: statusOf(found) }))
}
