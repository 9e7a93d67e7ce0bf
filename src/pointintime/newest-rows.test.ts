import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { entity, featureGroup, table } from '../definition/index.ts'
import { columnOf } from '../offline/index.ts'
import { planGroup, type TableGroupPlan } from '../plan/index.ts'
import { type Cell, compareCell, type TypeData, t } from '../schema/index.ts'
import { orderMoments } from './moments.ts'
import { NewestRows } from './newest-rows.ts'

interface Row {
  readonly key: number
  readonly time: number
  readonly known: number | null
  readonly cells: readonly Cell[]
}

const user = entity('user', { user_id: t.integer() })
const planOf = (known: boolean) => {
  const columns = {
    user_id: t.integer(),
    at: t.timestamp(),
    created: t.timestamp().nullable(),
    level: t.integer(),
    name: t.string().nullable(),
    score: t.float().nullable(),
  }
  const source = table('accounts', { columns, time: 'at', ...(known ? { created: 'created' as const } : {}) })
  const group = featureGroup({ name: 'account', entity: user, source, features: (row) => ({ level: row.level }) })
  return planGroup(group) as TableGroupPlan
}

/** Enough keys and rows that buckets are many and overflow. */
const keyCount = 1500
const momentCount = 6000
const rowCount = 20_000

test('each moment has the newest row that it is the first of its key to see', () => {
  fc.assert(
    fc.property(fc.boolean(), fc.boolean(), fc.boolean(), fc.integer(), (hasKnown, asKnown, inOrder, seed) => {
      const random = randomFrom(seed)
      const plan = planOf(hasKnown)
      // Few times, so that many rows are equally new; one key has a tenth of the rows.
      const rows = Array.from({ length: rowCount }, (): Row => {
        const key = random(10) === 0 ? 7 : random(keyCount)
        const cells = [random(3), random(4) === 0 ? null : `name ${random(3)}`, random(4) === 0 ? null : random(3) / 2]
        return { key, time: random(200), known: random(4) === 0 ? null : random(200), cells }
      })
      if (inOrder) rows.sort((a, b) => a.time - b.time)
      const keys = Int32Array.from({ length: momentCount }, () => random(keyCount))
      const at = Float64Array.from(keys, () => random(200))
      const moments = { count: momentCount, keys, at, rows: at, ...orderMoments(keys, at, keyCount) }

      const newest = new NewestRows(plan, moments, asKnown)
      for (let from = 0; from < rowCount; from += 2048) newest.add(batchOf(plan, newest.columns, rows.slice(from, from + 2048), hasKnown))
      newest.finish()

      const expected = naive(plan, rows, moments, hasKnown, asKnown)
      for (const [place, row] of expected.entries()) {
        assert.equal(newest.time(place), row?.time ?? Number.NEGATIVE_INFINITY)
        if (row) for (const name of ['level', 'name', 'score']) assert.equal(newest.reader(name)(place), cellOf(row, name))
      }
    }),
    { numRuns: 8 },
  )
})

const cellOf = (row: Row, column: string): Cell =>
  column === 'created' ? row.known : (row.cells[['level', 'name', 'score'].indexOf(column)] as Cell)

function batchOf(plan: TableGroupPlan, columns: readonly string[], rows: readonly Row[], hasKnown: boolean) {
  const number = { kind: 'float', nullable: true } as const
  const column = (values: readonly Cell[]) => columnOf(number, values)
  return {
    count: rows.length,
    keys: column(rows.map(({ key }) => key)),
    times: column(rows.map(({ time }) => time)),
    known: hasKnown ? column(rows.map(({ known }) => known)) : null,
    cells: columns.map((name) =>
      columnOf(
        plan.group.source.columns[name] as TypeData,
        rows.map((row) => cellOf(row, name)),
      ),
    ),
  }
}

function naive(
  plan: TableGroupPlan,
  rows: readonly Row[],
  { at, order, keyStarts }: ReturnType<typeof orderMoments> & { at: Float64Array },
  hasKnown: boolean,
  asKnown: boolean,
): (Row | null)[] {
  const known = (row: Row) => (hasKnown ? (row.known ?? Number.NEGATIVE_INFINITY) : 0)
  const newest: (Row | null)[] = Array.from(order, () => null)
  for (const row of rows) {
    const from = asKnown && hasKnown ? Math.max(row.time, known(row)) : row.time
    for (let place = keyStarts[row.key] as number; place < (keyStarts[row.key + 1] as number); place++) {
      if ((at[order[place] as number] as number) < from) continue
      const before = newest[place]
      if (!before || isNewer(row, before)) newest[place] = row
      break
    }
  }
  return newest

  function isNewer(a: Row, b: Row): boolean {
    if (a.time !== b.time) return a.time > b.time
    if (known(a) !== known(b)) return known(a) > known(b)
    for (const name of plan.orderColumns) {
      const type = { ...(plan.group.source.columns[name] as TypeData), nullable: true }
      const difference = compareCell(type, cellOf(a, name), cellOf(b, name))
      if (difference !== 0) return difference > 0
    }
    return false
  }
}

/** Whole numbers below a bound; mulberry32. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}
