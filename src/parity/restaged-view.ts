import { type AnyView, type FeatureGroupData, FeatureView, OnDemand, Selection } from '../definition/index.ts'

/** The view with other groups in the places of its own, by their names and versions. */
export function restagedView(view: AnyView, groups: readonly FeatureGroupData[]): AnyView {
  const restaged = new Map<OnDemand, OnDemand>()
  const item = (one: Selection | OnDemand): Selection | OnDemand => {
    if (one instanceof OnDemand) {
      const found = restaged.get(one) ?? new OnDemand({ ...one, from: one.from.map(item) })
      restaged.set(one, found)
      return found
    }
    const group = groups.find(({ name, version }) => name === one.group.name && version === one.group.version)
    return group ? new Selection(group, { ...one.features }, { ...one.keys }) : one
  }
  return new FeatureView({ ...view, items: view.items.map(item) })
}
