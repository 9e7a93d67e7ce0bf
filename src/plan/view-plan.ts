import { type AnyView, type FeatureGroupData, OnDemand, type Selection } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { canonicalJson } from '../lib/canonical-json.ts'
import { suggestion } from '../lib/suggestion.ts'
import { type Cell, type TypeData, toCell } from '../schema/index.ts'
import { type GroupPlan, planGroup } from './group-plan.ts'

/** A group read by certain key columns of the view; each pair once, whatever the number of selections. */
export interface GroupUse {
  readonly plan: GroupPlan
  /** The view's key column for each key column of the entity, in the entity's order. */
  readonly keys: readonly { readonly key: string; readonly name: string; readonly type: TypeData }[]
}

/** Where a value comes from: a feature of a group, or of an on-demand step, by their places. */
export type ValueSource =
  | { readonly from: 'group'; readonly use: number; readonly feature: number }
  | { readonly from: 'step'; readonly step: number; readonly feature: number }

export interface NamedValue {
  readonly name: string
  readonly type: TypeData
  readonly source: ValueSource
}

/** A value of the vector. */
export interface OutputValue extends NamedValue {
  /** What stands for null; null where the view declares nothing. */
  readonly default: Cell
}

/** An on-demand view with what it reads; steps come in order of dependency. */
export interface OnDemandStep {
  readonly onDemand: OnDemand
  readonly known: readonly NamedValue[]
  readonly request: readonly { readonly name: string; readonly type: TypeData }[]
  readonly features: readonly { readonly name: string; readonly type: TypeData }[]
}

/** A feature view made ready to read, in training and in serving. */
export interface ViewPlan {
  readonly view: AnyView
  readonly uses: readonly GroupUse[]
  readonly steps: readonly OnDemandStep[]
  /** The vector: its names, in order. */
  readonly output: readonly OutputValue[]
}

/** Lowers a feature view. Pure. */
export function planView(view: AnyView): ViewPlan {
  const uses: GroupUse[] = []
  const usePlaces = new Map<string, number>()
  const plans = new Map<FeatureGroupData, GroupPlan>()
  const steps: OnDemandStep[] = []
  const stepPlaces = new Map<OnDemand, number>()

  const useOf = (selection: Selection): number => {
    const place = canonicalJson([selection.group.name, selection.group.version, selection.keys])
    const found = usePlaces.get(place)
    if (found !== undefined) return found
    const plan = plans.get(selection.group) ?? planGroup(selection.group)
    plans.set(selection.group, plan)
    const keys = Object.entries<TypeData>(selection.group.entity.keys).map(([key, type]) => ({
      key,
      name: selection.keys[key] as string,
      type,
    }))
    usePlaces.set(place, uses.length)
    return uses.push({ plan, keys }) - 1
  }
  const valuesOf = (item: Selection | OnDemand): NamedValue[] => {
    if (item instanceof OnDemand) {
      const step = stepOf(item)
      return (steps[step] as OnDemandStep).features.map(({ name, type }, feature) => ({
        name,
        type,
        source: { from: 'step', step, feature },
      }))
    }
    const use = useOf(item)
    const { features } = (uses[use] as GroupUse).plan
    return Object.entries(item.features).map(([name, own]) => {
      const feature = features.findIndex((candidate) => candidate.name === own)
      return { name, type: (features[feature] as { type: TypeData }).type, source: { from: 'group', use, feature } }
    })
  }
  const stepOf = (item: OnDemand): number => {
    const found = stepPlaces.get(item)
    if (found !== undefined) return found
    const named = (types: Readonly<Record<string, TypeData>>) => Object.entries(types).map(([name, type]) => ({ name, type }))
    const known = item.from.flatMap(valuesOf)
    stepPlaces.set(item, steps.length)
    return steps.push({ onDemand: item, known, request: named(item.request), features: named(item.features) }) - 1
  }
  const output = view.items.flatMap(valuesOf).map((value) => {
    const given = Object.hasOwn(view.defaults, value.name) ? view.defaults[value.name] : null
    return { ...value, default: given === null ? null : toCell(value.type, given, `default of ${value.name}`) }
  })
  return { view, output, uses, steps }
}

/**
 * The plan of some features of a view, in the order given: only the groups and steps that they need. Throws `UNKNOWN_NAME` for a name
 * that the view does not have, and `DUPLICATE_NAME`.
 */
export function pickFeatures(plan: ViewPlan, names: readonly string[]): ViewPlan {
  if (new Set(names).size < names.length)
    throw new LockstepError('DUPLICATE_NAME', `A feature is named twice in ${names.join(', ')}`, { remedy: 'Name each feature once.' })
  const chosen = names.map((name) => {
    const value = plan.output.find((one) => one.name === name)
    if (value) return value
    const known = plan.output.map((one) => one.name)
    throw new LockstepError('UNKNOWN_NAME', `The view ${plan.view.name} has no feature ${name}${suggestion(name, known)}`)
  })
  const [neededUses, neededSteps] = [new Set<number>(), new Set<number>()]
  const need = ({ source }: NamedValue): void => {
    if (source.from === 'group') neededUses.add(source.use)
    else if (!neededSteps.has(source.step)) {
      neededSteps.add(source.step)
      plan.steps[source.step]?.known.forEach(need)
    }
  }
  chosen.forEach(need)
  const [useOrder, stepOrder] = [neededUses, neededSteps].map((needed) => [...needed].sort((a, b) => a - b)) as [number[], number[]]
  const moved = <Value extends NamedValue>(value: Value): Value => {
    const { source } = value
    return source.from === 'group'
      ? { ...value, source: { ...source, use: useOrder.indexOf(source.use) } }
      : { ...value, source: { ...source, step: stepOrder.indexOf(source.step) } }
  }
  return {
    view: plan.view,
    uses: useOrder.map((use) => plan.uses[use] as GroupUse),
    steps: stepOrder.map((index) => {
      const step = plan.steps[index] as OnDemandStep
      return { ...step, known: step.known.map(moved) }
    }),
    output: chosen.map(moved),
  }
}
