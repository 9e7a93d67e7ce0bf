import type { ExpressionNode, FeatureGroupData, WindowData } from '../definition/index.ts'
import { canonicalJson } from '../lib/canonical-json.ts'

/** From the time of an event (microseconds), a moment at which what it does to a value begins or ends. */
export type Edge = (time: number) => number

const second = 1_000_000
const day = 86_400 * second

/** A multiple of the length that is not before the moment, or after it. */
const atOrAfter = (moment: number, length: number) => Math.ceil(moment / length) * length
const after = (moment: number, length: number) => (Math.floor(moment / length) + 1) * length

/**
 * The edges of a group: the time of the event itself, and by each of its windows the moments at which the event enters it and
 * leaves it; of a table its ttl. Those of a scheduled group are the ticks from which its values are computed there.
 */
export function edgesOf(group: FeatureGroupData): Edge[] {
  const { refresh, ttl, features } = group
  const windows = new Map<string, WindowData>()
  let timed = false
  const visit = (node: ExpressionNode): void => {
    if (node.node === 'aggregate') windows.set(canonicalJson(node.window), node.window)
    else if (node.node === 'asOf') timed = true
    else if (node.node === 'call') node.arguments.forEach(visit)
  }
  Object.values(features).forEach(visit)
  const edges: Edge[] = [(time) => time, ...[...windows.values()].flatMap(windowEdges)]
  if (ttl !== null) edges.push((time) => time + ttl)
  // What is measured from the moment itself changes at whole seconds and days.
  if (timed) edges.push(...[second, day].map((unit) => (time: number) => time + unit))
  if (refresh.kind === 'live') return edges
  // What happens a microsecond behind an edge may be seen at the next tick only.
  return edges.flatMap((edge) => [atOrAfter, after].map((tick) => (time: number) => tick(edge(time), refresh.every) + refresh.delay))
}

/** An event is inside from the moment after its time; these are the last moments before that, or the first at which it is outside. */
function windowEdges(window: WindowData): Edge[] {
  const { delay } = window
  const enters = (time: number) => time + delay
  switch (window.kind) {
    case 'sliding': {
      const { length, resolution } = window
      const leaves = (time: number) => enters(time) + length
      return resolution === 0 ? [enters, leaves] : [enters, leaves, (time) => after(time, resolution) + length + delay]
    }
    case 'tumbling': {
      const { length, part } = window
      const next = (time: number) => after(time, length) + delay
      return part === 'current' ? [enters, next] : [next, (time) => next(time) + length]
    }
    case 'session':
      return [enters, (time) => enters(time) + window.gap]
    default:
      return [enters]
  }
}

/** The longest time after an event at which it can still matter by some edge, in microseconds. */
export function longestEdge(edges: readonly Edge[], time: number): number {
  return Math.max(...edges.map((edge) => edge(time) - time))
}
