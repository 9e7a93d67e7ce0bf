import type { AnyView, FeatureGroupData } from '../definition/index.ts'
import { type CompareOptions, type Comparison, compareOnline, compareViews, type ReadOnline } from '../governance/index.ts'
import { formatMoment } from '../lib/moment.ts'
import type { SourcePlaces } from '../offline/index.ts'
import { groupsOf } from './history-work.ts'

export type StoreCompareOptions = Omit<CompareOptions, 'places'> & {
  /** From the online store, as of now, instead of history, as of moments after the newest event of each key. */
  readonly online?: boolean
}

/** Compares two versions of a view by what a store gives for them. */
export async function compareInStore(
  views: readonly [AnyView, AnyView],
  { online = false, ...options }: StoreCompareOptions,
  store: { readonly moment: number; readonly read: ReadOnline; places(groups: readonly FeatureGroupData[]): Promise<SourcePlaces> },
): Promise<Comparison> {
  const { read, moment } = store
  const given = { ...options, places: await store.places([...new Set(views.flatMap(groupsOf))]) }
  if (!online) return await compareViews(...views, given)
  return { ...(await compareOnline(...views, { ...given, read, moment })), asOf: formatMoment(moment) }
}
