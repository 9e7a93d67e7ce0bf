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

interface Known extends Pick<SimilarFeature, 'id' | 'group' | 'version' | 'feature' | 'definition'> {
  readonly whole: string
  readonly windows: readonly WindowData[]
}

/** Finds features like others in a catalogue: each looked up, none compared with all. */
export class SimilarFeatures {
  readonly #withoutWindows = new Map<string, Known[]>()
  readonly #withoutConditions = new Map<string, Known[]>()

  constructor({ groups }: Pick<Catalogue, 'groups'>) {
    for (const group of groups) {
      for (const [feature, node] of Object.entries(group.features)) {
        const shapes = shapesOf(group, node)
        const known: Known = {
          id: featureId(group, feature),
          group: group.name,
          version: group.version,
          feature,
          definition: showExpression(node),
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
    const shapes = shapesOf(group, node)
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
  { id, group, version, feature, definition }: Known,
  differsIn: SimilarFeature['differsIn'],
  isNearDuplicate: boolean,
): SimilarFeature => ({ id, group, version, feature, differsIn, isNearDuplicate, definition })

function add(map: Map<string, Known[]>, key: string, one: Known): void {
  const known = map.get(key)
  if (known) known.push(one)
  else map.set(key, [one])
}

function shapesOf(group: FeatureGroupData, node: ExpressionNode) {
  const { entity, source, keys, refresh, ttl } = group
  const about = [entity.name, source.name, keys, refresh, ttl]
  const of = (shape: unknown) => canonicalJson([about, shape])
  return {
    whole: of(node),
    withoutWindows: of(without(node, { windows: true })),
    withoutConditions: of(without(node, { conditions: true })),
  }
}

interface Left {
  readonly windows?: boolean
  readonly conditions?: boolean
}

/** An expression without the lengths of its windows, or without its conditions. */
function without(node: ExpressionNode, left: Left): unknown {
  switch (node.node) {
    case 'call':
      return { ...node, arguments: node.arguments.map((argument) => without(argument, left)) }
    case 'aggregate': {
      const window = left.windows ? { kind: node.window.kind === 'since' ? node.window : node.window.kind } : node.window
      return { ...node, inputs: node.inputs.map((input) => without(input, left)), filter: left.conditions ? null : node.filter, window }
    }
    default:
      return node
  }
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
