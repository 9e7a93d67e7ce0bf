import {
  type Catalogue,
  catalogueOf,
  type Definition,
  definitionsOf,
  type FeatureGroupData,
  itemId,
  type OnDemand,
  type Snapshot,
  selectionsOf,
} from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { columnId, featureId, type ItemDifference, PolicyGraph } from '../plan/index.ts'
import { type CompareOptions, type Comparison, compareViews, viewOf } from './compare-versions.ts'
import { catalogueOfItems } from './consumers.ts'

/** Two definitions of a group or an on-demand view, side by side on real keys. */
export interface GroupComparison {
  readonly kind: 'group' | 'onDemand'
  /** `user_orders@2` */
  readonly group: string
  readonly before: string
  readonly comparison: Comparison | null
  /** Why there is none. */
  readonly note: string
}

/** The tag of what tells of a person: such values are in no plan, which is passed around. */
const personal = 'pii'

/** Compares the definitions that changed with those that are applied. On-demand views take functions, which are in the files if anywhere. */
export async function compareChanges(
  changed: readonly ItemDifference[],
  before: Snapshot,
  { files, definitions }: { readonly files: readonly Definition[]; readonly definitions: readonly Definition[] },
  options: CompareOptions,
): Promise<GroupComparison[]> {
  if (changed.length === 0) return []
  const catalogue = catalogueOf(definitions)
  const codes = new Map(catalogueOf(files).onDemand.map((one) => [one.code, one]))
  const applied = comparable(catalogueOf(definitionsOf(before.values(), ({ code }) => codes.get(code)).definitions))
  const planned = comparable(catalogue)
  const graphs = [new PolicyGraph(catalogueOfItems(before)), new PolicyGraph(catalogue)] as const
  const comparisons: GroupComparison[] = []
  for (const { id, kind, previous } of changed) {
    const [one, other] = [applied.get(previous ?? id), planned.get(id)]
    const names = { kind: kind as GroupComparison['kind'], group: bareName(id), before: bareName(previous ?? id) }
    if (!one || !other)
      comparisons.push({ ...names, comparison: null, note: `the function of ${names[one ? 'group' : 'before']} is in no file` })
    else comparisons.push({ ...names, ...withoutPersonal(await compare(one, other, options), [one, other], graphs) })
  }
  return comparisons
}

type Comparable = FeatureGroupData | OnDemand

function comparable({ groups, onDemand }: Pick<Catalogue, 'groups' | 'onDemand'>): ReadonlyMap<string, Comparable> {
  return new Map<string, Comparable>([
    ...groups.map((one) => [itemId({ ...one, kind: 'group' }), one] as const),
    ...onDemand.map((one) => [itemId(one), one] as const),
  ])
}

const bareName = (id: string): string => id.slice(id.indexOf(':') + 1)

async function compare(one: Comparable, other: Comparable, options: CompareOptions): Promise<Pick<GroupComparison, 'comparison' | 'note'>> {
  try {
    const comparison = await compareViews(viewOf(one), viewOf(other), options)
    if (comparison.features.length > 0 || comparison.skipped.length === 0) return { comparison, note: '' }
    const note = 'its values need those of a request; lockstep compare tells how the views that read it differ in all else'
    return { comparison: null, note }
  } catch (error) {
    if (!(error instanceof LockstepError) || error.code === 'INTERRUPTED') throw error
    return { comparison: null, note: error.message }
  }
}

/** Without examples of what derives from a column with that tag, in either definition; without any where the key is one. */
function withoutPersonal<T extends Pick<GroupComparison, 'comparison'>>(
  compared: T,
  sides: readonly [Comparable, Comparable],
  graphs: readonly [PolicyGraph, PolicyGraph],
): T {
  const isPersonal = (node: (side: Comparable) => string) => sides.some((side, place) => graphs[place]?.tagsOf(node(side)).has(personal))
  const keys = sides.flatMap((side) =>
    selectionsOf(viewOf(side)).flatMap(({ group }) => Object.values(group.keys).map((column) => columnId(group.source.name, column))),
  )
  const isKeyPersonal = keys.some((key) => isPersonal(() => key))
  return withholding(compared, personal, (feature) => isKeyPersonal || isPersonal((side) => featureId(side, feature)))
}

/** A comparison that says, instead of giving examples of some features, how many there are and why they are not shown. */
export function withholding<T extends Pick<GroupComparison, 'comparison'>>(
  compared: T,
  why: string,
  isWithheld: (feature: string) => boolean = () => true,
): T {
  if (compared.comparison === null) return compared
  const features = compared.comparison.features.map((one) =>
    one.examples.length > 0 && isWithheld(one.feature) ? { ...one, examples: [], withheld: { examples: one.examples.length, why } } : one,
  )
  return { ...compared, comparison: { ...compared.comparison, features } }
}
