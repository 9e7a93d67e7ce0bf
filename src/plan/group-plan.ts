import { type Aggregate, aggregateFunctions } from '../aggregation/index.ts'
import type { AggregateNode, ExpressionNode, FeatureGroupData, WindowData } from '../definition/index.ts'
import { canonicalJson } from '../lib/canonical-json.ts'
import type { TypeData } from '../schema/index.ts'

/** What one series holds: the value and the weight of each event that passes the filter. */
export interface SeriesPlan {
  readonly value: ExpressionNode | null
  readonly weight: ExpressionNode | null
  readonly filter: ExpressionNode | null
}

export interface AggregatePlan {
  readonly node: AggregateNode
  readonly aggregate: Aggregate
  readonly series: number
  readonly window: number
}

export interface FeaturePlan {
  readonly name: string
  readonly node: ExpressionNode
  readonly type: TypeData
}

/** A group of events made ready to run: every filter, series, window and aggregate once, whatever the number of features. */
export interface EventGroupPlan {
  readonly kind: 'events'
  readonly group: FeatureGroupData
  readonly series: readonly SeriesPlan[]
  readonly windows: readonly WindowData[]
  readonly aggregates: readonly AggregatePlan[]
  /** The place of each aggregate node in `aggregates`, by `canonicalJson`. */
  readonly places: ReadonlyMap<string, number>
  readonly features: readonly FeaturePlan[]
  /** Source columns that the features use, besides keys and time; sorted. */
  readonly columns: readonly string[]
  /** Whether the order of events of one moment can be seen, so that ids have to be read. */
  readonly ordered: boolean
  /** Columns that order events of one moment: the id, or the whole row where it has none. */
  readonly orderColumns: readonly string[]
  /** How far back of q a read can look, in microseconds: infinite with a lifetime, session or since window. */
  readonly reach: number
  readonly state: StatePlan
}

/** What the live state of a group keeps of an event besides its time. */
export interface StatePlan {
  /** Sorted: those that features use, and those that tell events of one moment and versions of one event apart. */
  readonly columns: readonly string[]
  /** The places in `columns` of what orders events of one moment, in order of precedence; none where equal events can be swapped. */
  readonly order: readonly number[]
  /** Whether events have ids, so that the moment at which a version became known decides between several. */
  readonly known: boolean
}

/** A group of a table made ready to run. */
export interface TableGroupPlan {
  readonly kind: 'table'
  readonly group: FeatureGroupData
  readonly features: readonly FeaturePlan[]
  readonly columns: readonly string[]
  /** Columns that decide between rows of equal time and creation: the declared ones, then the rest of the row. */
  readonly orderColumns: readonly string[]
}

export type GroupPlan = EventGroupPlan | TableGroupPlan

const orderSensitive = new Set(['first', 'last', 'firstN', 'lastN', 'lastDistinctN', 'collect'])

/** Lowers a feature group to what its evaluation needs. Pure. */
export function planGroup(group: FeatureGroupData): GroupPlan {
  const features = Object.entries(group.features).map(([name, node]) => ({ name, node, type: node.type }))
  return group.source.kind === 'table' ? planTable(group, features) : planEvents(group, features)
}

function planTable(group: FeatureGroupData, features: readonly FeaturePlan[]): TableGroupPlan {
  const { source } = group
  const columns = new Set<string>()
  for (const { node } of features) collectColumns(node, columns)
  const order = [
    ...source.order,
    ...Object.keys(source.columns)
      .filter((name) => !source.order.includes(name))
      .sort(),
  ]
  const settled = new Set([source.time, source.known, ...Object.values(group.keys)])
  return { kind: 'table', group, features, columns: [...columns].sort(), orderColumns: order.filter((name) => !settled.has(name)) }
}

function planEvents(group: FeatureGroupData, features: readonly FeaturePlan[]): EventGroupPlan {
  const series: SeriesPlan[] = []
  const windows: WindowData[] = []
  const aggregates: AggregatePlan[] = []
  const places = new Map<string, number>()
  const algebras = new Map<string, Aggregate>()
  const columns = new Set<string>()

  const [seriesPlaces, windowPlaces] = [new Map<string, number>(), new Map<string, number>()]
  const placeOf = <T>(list: T[], known: Map<string, number>, item: T): number => {
    const text = canonicalJson(item)
    const place = known.get(text) ?? list.push(item) - 1
    known.set(text, place)
    return place
  }
  const addAggregate = (node: AggregateNode) => {
    const text = canonicalJson(node)
    if (places.has(text)) return
    const [value = null, weight = null] = node.inputs
    const seriesPlace = placeOf(series, seriesPlaces, { value, weight, filter: node.filter })
    const algebraKey = canonicalJson([seriesPlace, node.function, node.parameters])
    const description = aggregateFunctions[node.function]
    if (!description) throw new TypeError(`no aggregate ${node.function}`)
    const aggregate =
      algebras.get(algebraKey) ??
      description.create(
        node.inputs.map((input) => input.type),
        node.parameters,
      )
    algebras.set(algebraKey, aggregate)
    places.set(text, aggregates.push({ node, aggregate, series: seriesPlace, window: placeOf(windows, windowPlaces, node.window) }) - 1)
    for (const part of [...node.inputs, node.filter, node.window.kind === 'since' ? node.window.condition : null])
      if (part) collectColumns(part, columns)
  }
  const visit = (node: ExpressionNode): void => {
    if (node.node === 'aggregate') addAggregate(node)
    else if (node.node === 'call') for (const argument of node.arguments) visit(argument)
  }
  // By name: stored states hold the aggregates in this order, and the order in which features are declared means nothing.
  for (const { node } of features.toSorted((a, b) => (a.name < b.name ? -1 : 1))) visit(node)

  const { source } = group
  const ordered = aggregates.some(({ node }) => orderSensitive.has(node.function)) || windows.some(({ kind }) => kind === 'since')
  return {
    kind: 'events',
    group,
    series,
    windows,
    aggregates,
    places,
    features,
    columns: [...columns].sort(),
    ordered,
    orderColumns: source.id.length > 0 ? source.id : Object.keys(source.columns).sort(),
    reach: Math.max(...windows.map(windowReach)),
    state: planState(group, columns, ordered),
  }
}

function planState({ source, keys }: FeatureGroupData, used: ReadonlySet<string>, ordered: boolean): StatePlan {
  // Within a key all events have its columns, and within a moment the time.
  const settled = new Set([source.time, ...Object.values(keys)])
  const content = Object.keys(source.columns).filter((name) => !settled.has(name))
  const known = source.id.length > 0
  const order = known ? source.id : ordered ? content.sort() : []
  const columns = [...new Set([...used, ...order])].sort()
  return { columns, order: order.map((name) => columns.indexOf(name)), known }
}

export function windowReach(window: WindowData): number {
  switch (window.kind) {
    case 'sliding':
      return window.delay + window.length + window.resolution
    case 'tumbling':
      return window.delay + window.length * (window.part === 'last' ? 2 : 1)
    default:
      return Number.POSITIVE_INFINITY
  }
}

function collectColumns(node: ExpressionNode, into: Set<string>): void {
  if (node.node === 'column') into.add(node.name)
  else if (node.node === 'call') for (const argument of node.arguments) collectColumns(argument, into)
}
