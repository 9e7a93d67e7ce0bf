import { type FeatureView, featureView } from 'lockstep'
import { manyWindows, profileGroup, viewOf } from './online-features.ts'

export interface ServedFiles {
  readonly profiles: string
  readonly actions: string
}

/** The views that the benchmark of serving reads. */
export function servedViews({ profiles, actions }: ServedFiles): Record<'tables' | 'mixed' | 'wide' | 'cross', FeatureView> {
  const group = (name: string, features = 20) => profileGroup(name, profiles, features)
  const [one, two, three] = [group('one'), group('two'), group('three', 10)]
  const others = Array.from({ length: 10 }, (_, index) => group(`more_${index}`))
  return {
    tables: viewOf('tables', one, two, three),
    mixed: viewOf('mixed', one, manyWindows(actions)),
    wide: viewOf('wide', one, two, three, ...others),
    cross: featureView({
      name: 'cross',
      features: [one, two, three, two.as({ keys: { user_id: 'item_id' }, prefix: 'item_' })],
    }) as FeatureView,
  }
}
