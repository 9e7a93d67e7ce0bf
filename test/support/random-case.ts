import fc from 'fast-check'
import {
  type ExpressionNode,
  entity,
  every,
  FeatureGroup,
  featureGroup,
  rows as history,
  type KeyColumns,
  live,
} from '../../src/definition/index.ts'
import { type Cell, ColumnType, fromCell, type TypeData } from '../../src/schema/index.ts'
import type { OracleRow } from '../../src/testing/index.ts'
import { randomFeatures, randomLength } from './random-features.ts'
import { type RandomSource, randomRows, randomSource } from './random-source.ts'

/** A feature group over random rows, and the keys and moments to ask it for. */
export interface RandomCase {
  readonly group: FeatureGroup
  /** The history of the source, in order of arrival. */
  readonly rows: readonly OracleRow[]
  /** The keys of the rows, each once, and where possible one that no row has. */
  readonly keys: readonly OracleRow[]
  /** Microseconds, in no order: around event times and known times, a window's length after them, ticks, anywhere. */
  readonly moments: readonly number[]
  readonly asKnown: boolean
}

/** Cases for a property: every path that computes features must answer as the oracle does, errors included. */
export function randomCase(): fc.Arbitrary<RandomCase> {
  return randomSource.chain((from) =>
    fc
      .tuple(randomGroup(from), randomRows(from), fc.boolean())
      .chain(([group, rows, asKnown]) =>
        randomMoments(from, group, rows).map((moments) => ({ group, rows, keys: keysOf(group, rows), moments, asKnown })),
      ),
  )
}

/** The rows of a case in public values, as `rows(...)` takes them; every other zero of a float is -0, which is no other value. */
export function publicRows({ group, rows }: Pick<RandomCase, 'group' | 'rows'>): Record<string, unknown>[] {
  const { columns } = group.source
  const isZero = (name: string, value: unknown) => columns[name]?.kind === 'float' && value === 0
  return rows.map((row, index) => {
    const values = Object.entries(publicValues(columns, row))
    return Object.fromEntries(values.map(([name, value]) => [name, index % 2 === 1 && isZero(name, value) ? -0 : value]))
  })
}

export function publicValues(types: Readonly<Record<string, TypeData>>, row: OracleRow): Record<string, unknown> {
  return Object.fromEntries(Object.entries(types).map(([name, type]) => [name, fromCell(type, row[name] ?? null)]))
}

/** The group of a case with its rows as the history of its source. */
export function groupWithRows(one: Pick<RandomCase, 'group' | 'rows'>): FeatureGroup {
  return new FeatureGroup({ ...one.group, source: { ...one.group.source, history: history(publicRows(one)) } })
}

function randomGroup(from: RandomSource): fc.Arbitrary<FeatureGroup> {
  const length = randomLength(from)
  const scheduled = fc
    .tuple(length, fc.option(length))
    .map(([period, delay]) => every(`${period}us`, delay === null ? {} : { delay: `${delay}us` }))
  const refresh = fc.oneof({ weight: 3, arbitrary: fc.constant(live) }, { weight: 1, arbitrary: scheduled })
  const keys = Object.fromEntries(from.keys.map((name) => [name, new ColumnType(from.source.columns[name] as TypeData)]))
  const owner = entity('random', keys as KeyColumns)
  return fc.tuple(randomFeatures(from), refresh, fc.option(length, { freq: 2 })).map(([features, when, ttl]) =>
    featureGroup({
      name: 'random_group',
      entity: owner,
      source: from.source,
      refresh: when,
      ...(from.source.kind === 'table' && ttl !== null ? { ttl: `${ttl}us` } : {}),
      features: () => features,
    }),
  ) as fc.Arbitrary<FeatureGroup>
}

function keysOf(group: FeatureGroup, rows: readonly OracleRow[]): OracleRow[] {
  const keyOf = (row: OracleRow): OracleRow =>
    Object.fromEntries(Object.entries(group.keys).map(([name, column]) => [name, row[column] as Cell]))
  const keys = [...rows.map(keyOf), unknownKey(group)]
  return [...new Map(keys.map((key) => [JSON.stringify(Object.values(key).map(String)), key])).values()]
}

/** A key that `randomRows` does not draw, where there is one. */
function unknownKey({ entity: { keys } }: FeatureGroup): OracleRow {
  const cells: Partial<Record<string, Cell>> = {
    string: 'unknown',
    oneOf: 'c',
    integer: 111,
    int64: 111n,
    date: 111,
    timestamp: 111,
    decimal: 111,
    boolean: true,
  }
  return Object.fromEntries(Object.entries(keys).map(([name, type]) => [name, cells[type.kind] as Cell]))
}

function randomMoments({ source, scale }: RandomSource, group: FeatureGroup, rows: readonly OracleRow[]): fc.Arbitrary<readonly number[]> {
  const columns = source.known === null ? [source.time] : [source.time, source.known]
  const times = rows.flatMap((row) =>
    columns.map((column) => microsOf(source.columns[column] as TypeData, row[column] ?? null)).filter((time) => time !== null),
  )
  const lengths = [0, ...lengthsOf(group)]
  const edge = fc
    .tuple(
      fc.constantFrom(...(times.length > 0 ? times : [scale.start])),
      fc.constantFrom(...lengths),
      fc.constantFrom(...lengths),
      fc.constantFrom(-1, 0, 0, 1),
    )
    .map(([time, length, other, aside]) => time + length + (length === other ? 0 : other) + aside)
  const anywhere = fc
    .integer({ min: -3, max: 40 })
    .chain((step) => fc.nat({ max: scale.unit }).map((aside) => scale.start + step * scale.unit + aside))
  return fc.array(fc.oneof({ weight: 4, arbitrary: edge }, { weight: 1, arbitrary: anywhere }), {
    minLength: 1,
    maxLength: 20,
    size: 'max',
  })
}

function microsOf(type: TypeData, cell: Cell): number | null {
  return cell === null ? null : (cell as number) * (type.kind === 'date' ? 86_400_000_000 : 1)
}

/** Every length of time that a group's definition names. */
function lengthsOf({ features, refresh, ttl }: FeatureGroup): number[] {
  const found = [ttl ?? 0, ...(refresh.kind === 'live' ? [] : [refresh.every, refresh.delay])]
  const visit = (node: ExpressionNode): void => {
    if (node.node === 'call') node.arguments.forEach(visit)
    if (node.node !== 'aggregate') return
    const { window } = node
    found.push(window.delay)
    if (window.kind === 'sliding') found.push(window.length, window.resolution)
    if (window.kind === 'tumbling') found.push(window.length)
    if (window.kind === 'session') found.push(window.gap)
  }
  Object.values(features).forEach(visit)
  return [...new Set(found)].filter((length) => length > 0)
}
