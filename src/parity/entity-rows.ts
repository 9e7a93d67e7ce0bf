import type { FeatureGroupData } from '../definition/index.ts'
import { formatDate, formatMoment } from '../lib/moment.ts'
import type { ViewPlan } from '../plan/index.ts'
import { type Cell, formatDecimal, fromCell, type TypeData } from '../schema/index.ts'

type Random = (below: number) => number
type Values = Readonly<Record<string, unknown>>

/** A group as it was materialized for the last time, and the keys that it has. */
export interface MaterializedGroup {
  readonly group: FeatureGroupData
  readonly keys: readonly (readonly Cell[])[]
  /** Microseconds. */
  readonly upto: number
}

/** What a view is asked for at once: keys, request values that are made up, and a moment in microseconds. */
export interface EntityRow {
  readonly keys: Values
  readonly request: Values
  readonly at: number
}

/** Rows of keys that the groups know, as of moments from the last one on up to which any of them was materialized. */
export function chooseEntityRows(plan: ViewPlan, groups: readonly MaterializedGroup[], count: number, random: Random): EntityRow[] {
  const first = Math.max(...groups.map(({ upto }) => upto))
  return Array.from({ length: count }, (_, place) => ({
    keys: randomKeys(plan, groups, random),
    request: Object.fromEntries(Object.entries<TypeData>(plan.view.request).map(([name, type]) => [name, madeUp(type, random)])),
    // The first and the moments after it, and at last some far behind.
    at: first + (place % 3 === 0 ? place % 5 : random(2 ** (10 + random(32)))),
  }))
}

/** For each use of a group one of its keys; names that two uses share have the value of the one with the most columns. */
function randomKeys({ uses }: ViewPlan, groups: readonly MaterializedGroup[], random: Random): Values {
  const keys: Record<string, unknown> = {}
  for (const { plan, keys: columns } of uses.toSorted((a, b) => b.keys.length - a.keys.length)) {
    const { name: group, version } = plan.group
    const known = groups.find((one) => one.group.name === group && one.group.version === version)?.keys ?? []
    const cells = known[random(known.length)]
    for (const [place, { name, type }] of columns.entries())
      keys[name] ??= cells ? fromCell(type, cells[place] as Cell) : madeUp(type, random)
  }
  return keys
}

/** A value of a type, within its range. */
function madeUp(type: TypeData, random: Random): unknown {
  if (type.nullable && random(8) === 0) return null
  const between = (least: number, most: number) => least + random(most - least + 1)
  const [low, high] = [Number(type.minimum ?? -1000), Number(type.maximum ?? 1000)]
  switch (type.kind) {
    case 'string':
      return `text ${random(100)}`
    case 'oneOf':
      return type.values?.[random(type.values.length)]
    case 'boolean':
      return random(2) === 0
    case 'integer':
      return between(Math.ceil(low), Math.floor(high))
    case 'int64':
      return BigInt(between(Math.ceil(low), Math.floor(high)))
    case 'float':
      return low + ((high - low) * random(2 ** 20)) / 2 ** 20
    case 'decimal': {
      const scale = 10 ** (type.scale ?? 0)
      const most = 10 ** (type.precision ?? 15) - 1
      return formatDecimal(between(Math.max(-most, Math.ceil(low * scale)), Math.min(most, Math.floor(high * scale))), type.scale ?? 0)
    }
    case 'timestamp':
      return formatMoment(random(2 ** 31) * 1_000_000)
    case 'date':
      return formatDate(random(20_000))
    case 'list':
      return Array.from({ length: random(4) }, () => madeUp(type.element as TypeData, random))
    case 'vector':
      return Array.from({ length: type.length ?? 0 }, () => random(200) / 100 - 1)
    case 'struct':
      return { made: random(100) }
  }
}
