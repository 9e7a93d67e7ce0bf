import { type Catalogue, type ExpressionNode, type FeatureGroupData, showExpression, type WindowData } from '../definition/index.ts'
import { canonicalJson } from '../lib/canonical-json.ts'
import { featureId } from './lineage.ts'

/** A feature that is like another one: of the same source and entity, the same but for what is named. */
export interface SimilarFeature {
  /** `user_orders@1.user_order_count_7d` */
  readonly id: string
  readonly group: string
  readonly version: number
  readonly feature: string
  /** `nothing`: it gives the same values. */
  readonly differsIn: 'nothing' | 'window' | 'condition'
  /** Whether one of the two will do: they give the same values, or their windows are within a quarter of each other. */
  readonly isNearDuplicate: boolean
  /** Its definition, as people read it. */
  readonly definition: string
}

interface Known extends Pick<SimilarFeature, 'id' | 'group' | 'version' | 'feature'> {
  readonly node: ExpressionNode
  readonly whole: string
  readonly windows: readonly WindowData[]
}

/** Finds features like others in a catalogue: each looked up, none compared with all. */
export class SimilarFeatures {
  readonly #withoutWindows = new Map<string, Known[]>()
  readonly #withoutConditions = new Map<string, Known[]>()

  constructor({ groups }: Pick<Catalogue, 'groups'>) {
    for (const group of groups) {
      const all = shapesOf(group)
      for (const [feature, node] of Object.entries(group.features)) {
        const shapes = all.get(feature) as Shapes
        const known: Known = {
          id: featureId(group, feature),
          group: group.name,
          version: group.version,
          feature,
          node,
          windows: windowsOf(node),
          whole: shapes.whole,
        }
        add(this.#withoutWindows, shapes.withoutWindows, known)
        add(this.#withoutConditions, shapes.withoutConditions, known)
      }
    }
  }

  /** What is like a feature, the likest first; other versions of the group, which are like it by intent, are left out. */
  of(group: FeatureGroupData, feature: string): SimilarFeature[] {
    const node = group.features[feature] as ExpressionNode
    const shapes = shapesOf(group).get(feature) as Shapes
    const windows = windowsOf(node)
    const own = featureId(group, feature)
    const others = (all: readonly Known[] = []) =>
      all.filter((one) => one.id !== own && (one.group !== group.name || one.version === group.version))
    const sameButWindows = others(this.#withoutWindows.get(shapes.withoutWindows)).map((one): SimilarFeature => {
      const same = one.whole === shapes.whole
      return shown(one, same ? 'nothing' : 'window', same || areNear(windows, one.windows))
    })
    const known = new Set(sameButWindows.map(({ id }) => id))
    const sameButConditions = others(this.#withoutConditions.get(shapes.withoutConditions))
      .filter(({ id }) => !known.has(id))
      .map((one) => shown(one, 'condition', false))
    const rank = ({ differsIn, isNearDuplicate }: SimilarFeature) => (differsIn === 'nothing' ? 0 : isNearDuplicate ? 1 : 2)
    return [...sameButWindows, ...sameButConditions].sort((a, b) => rank(a) - rank(b))
  }
}

const shown = (
  { id, group, version, feature, node }: Known,
  differsIn: SimilarFeature['differsIn'],
  isNearDuplicate: boolean,
): SimilarFeature => ({ id, group, version, feature, differsIn, isNearDuplicate, definition: showExpression(node) })

function add(map: Map<string, Known[]>, key: string, one: Known): void {
  const known = map.get(key)
  if (known) known.push(one)
  else map.set(key, [one])
}

interface Shapes {
  readonly whole: string
  readonly withoutWindows: string
  readonly withoutConditions: string
}

/** Of each group that was looked at, by the names of its features. */
const shapesOfGroups = new WeakMap<FeatureGroupData, ReadonlyMap<string, Shapes>>()

function shapesOf(group: FeatureGroupData): ReadonlyMap<string, Shapes> {
  const known = shapesOfGroups.get(group)
  if (known) return known
  const { entity, source, keys, refresh, ttl } = group
  const place = canonicalJson([entity.name, source.name, keys, refresh, ttl])
  const made = new Map(
    Object.entries(group.features).map(([feature, node]) => [
      feature,
      {
        whole: place + shapeOf(node, {}),
        withoutWindows: place + shapeOf(node, { windows: true }),
        withoutConditions: place + shapeOf(node, { conditions: true }),
      },
    ]),
  )
  shapesOfGroups.set(group, made)
  return made
}

interface Left {
  readonly windows?: boolean
  readonly conditions?: boolean
}

/** An expression as a text that is equal where expressions are, without the lengths of its windows or without its conditions. Types follow from the source. */
function shapeOf(node: ExpressionNode, left: Left): string {
  switch (node.node) {
    case 'column':
      return node.name
    case 'asOf':
      return '@'
    case 'literal':
      return canonicalJson([node.type.kind, node.value])
    case 'call':
      return `${node.function}(${node.arguments.map((argument) => shapeOf(argument, left)).join()})`
    case 'aggregate': {
      const { inputs, parameters, filter, window } = node
      const parts = inputs.map((input) => shapeOf(input, left)).join()
      const settings = Object.keys(parameters).length === 0 ? '' : canonicalJson(parameters)
      return `${node.function}[${parts}${settings}|${filter && !left.conditions ? shapeOf(filter, left) : ''}|${windowShape(window, left)}]`
    }
  }
}

function windowShape(window: WindowData, { windows }: Left): string {
  if (window.kind === 'since') return `since ${shapeOf(window.condition, {})} ${windows ? '' : window.delay}`
  if (windows) return window.kind
  const resolution = window.kind === 'sliding' ? window.resolution : window.kind === 'tumbling' ? window.part : ''
  return `${window.kind} ${lengthOf(window)} ${resolution} ${window.delay}`
}

function windowsOf(node: ExpressionNode): WindowData[] {
  if (node.node === 'aggregate') return [node.window]
  return node.node === 'call' ? node.arguments.flatMap(windowsOf) : []
}

const areNear = (some: readonly WindowData[], others: readonly WindowData[]): boolean =>
  some.every((window, place) => isNear(window, others[place] as WindowData))

function isNear(one: WindowData, other: WindowData): boolean {
  if (one.kind !== other.kind || one.delay !== other.delay) return false
  const [a, b] = [lengthOf(one), lengthOf(other)]
  return Math.max(a, b) <= 1.25 * Math.min(a, b)
}

const lengthOf = (window: WindowData): number => ('length' in window ? window.length : window.kind === 'session' ? window.gap : 0)
