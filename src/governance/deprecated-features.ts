import { catalogueOf, type FeatureView } from '../definition/index.ts'
import { Lineage, viewFeatureId } from '../plan/index.ts'
import type { LifeCycle } from '../registry/index.ts'

/** What readers are told of a deprecated feature. */
export interface DeprecatedFeature {
  readonly feature: string
  /** What was deprecated: it, its group, the view, or what its code reads. */
  readonly id: string
  readonly since: string
  readonly reason: string
  readonly replacement: string | null
  readonly remove_after: string | null
}

export function deprecatedFeature(feature: string, { id, at, reason, replacement, removeAfter }: LifeCycle): DeprecatedFeature {
  return { feature, id, since: at, reason, replacement, remove_after: removeAfter }
}

/** The features of a view that are deprecated, or whose code reads what is, each with what was said of what is nearest to it. */
export function deprecationsOf(view: FeatureView, cycles: Iterable<LifeCycle>): { feature: string; cycle: LifeCycle }[] {
  const said = new Map([...cycles].flatMap((cycle) => (cycle.status === 'deprecated' ? [[cycle.id, cycle]] : [])))
  if (said.size === 0) return []
  const lineage = new Lineage(catalogueOf([view]))
  const whole = `view:${view.name}@${view.version}`
  return view.featureNames.flatMap((feature) => {
    const behind = lineage.reach([viewFeatureId(view, feature)], 'up').nodes.filter(({ kind }) => kind === 'feature')
    const ids = behind.flatMap(({ id }) => [id, ...['group', 'onDemand'].map((kind) => `${kind}:${id.slice(0, id.lastIndexOf('.'))}`)])
    const cycle = [whole, ...ids].map((id) => said.get(id)).find((one) => one !== undefined)
    return cycle ? [{ feature, cycle }] : []
  })
}
