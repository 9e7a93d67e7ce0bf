import type { Catalogue, FeatureGroupData, SourceData } from '../definition/index.ts'
import { columnId, featureId, Lineage } from './lineage.ts'

/** All definitions, with what derives from what: what policies look at. */
export class PolicyGraph {
  readonly catalogue: Catalogue
  /** The environment that is planned for; empty where none is. */
  readonly environment: string
  #lineage: Lineage | null = null
  #own: ReadonlyMap<string, readonly string[]> | null = null
  readonly #flown = new Map<string, ReadonlySet<string>>()

  constructor(catalogue: Catalogue, environment = '') {
    this.catalogue = catalogue
    this.environment = environment
  }

  /** Columns, features, features of views, and what each is made of. */
  get lineage(): Lineage {
    this.#lineage ??= new Lineage(this.catalogue)
    return this.#lineage
  }

  /**
   * The tags of a node of the lineage (`source:users.email`, `user_orders@1.user_total_sum`, `view:ranking@1.user_total_sum`) and of all
   * that its values derive from: of columns, their sources and groups. Columns that only group or order events hand nothing on.
   */
  tagsOf(node: string): ReadonlySet<string> {
    const known = this.#flown.get(node)
    if (known) return known
    this.#own ??= ownTags(this.catalogue)
    const tags = new Set(this.#own.get(node))
    this.#flown.set(node, tags)
    for (const [from, use] of this.lineage.sourcesOf(node))
      if (use !== 'key' && use !== 'time') for (const tag of this.tagsOf(from)) tags.add(tag)
    return tags
  }
}

function ownTags({ sources, groups, onDemand }: Catalogue): Map<string, readonly string[]> {
  const ofColumns = (source: SourceData) =>
    Object.keys(source.columns).map(
      (column) => [columnId(source.name, column), [...source.tags, ...(source.columnTags[column] ?? [])]] as const,
    )
  const ofFeatures = (group: Pick<FeatureGroupData, 'name' | 'version' | 'tags'> & { readonly features: object }) =>
    Object.keys(group.features).map((feature) => [featureId(group, feature), group.tags] as const)
  return new Map([...sources.flatMap(ofColumns), ...[...groups, ...onDemand].flatMap(ofFeatures)])
}
