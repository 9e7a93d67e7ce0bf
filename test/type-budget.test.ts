import assert from 'node:assert/strict'
import { test } from 'node:test'
import { typecheck } from '../scripts/typecheck.ts'

/** A module of `groups` parts of 20 features each, and how many type instantiations each feature may cost the compiler. */
interface Case {
  readonly name: string
  readonly budget: number
  source(groups: number): string
}

const features = 20
const repeat = (count: number, text: (index: number) => string) => Array.from({ length: count }, (_, index) => text(index)).join('\n')

const cases: Case[] = [
  {
    name: 'columns of sources and their values',
    budget: 2,
    source: (groups) => `
import { t, type ValueOf } from 'lockstep'
${repeat(groups, (group) => `const columns_${group} = {\n${repeat(features, (column) => `  column_${group}_${column}: t.float().nullable().range(0, ${column}),`)}\n}`)}
type Values<C> = { readonly [Name in keyof C]: ValueOf<C[Name]> }
${repeat(groups, (group) => `export const row_${group} = (row: Values<typeof columns_${group}>): number | null => row.column_${group}_7`)}
`,
  },
  {
    name: 'features of groups, joined in one view',
    budget: 80,
    source: (groups) => `
import { average, count, entity, events, featureGroup, featureView, last, ratio, secondsSince, sum, t, type VectorOf } from 'lockstep'
const user = entity('user', { user_id: t.string() })
const orders = events('orders', {
  columns: { order_id: t.string(), user_id: t.string(), kind: t.oneOf('purchased', 'returned'), total: t.decimal(12, 2), at: t.timestamp() },
  time: 'at',
  id: 'order_id',
})
${repeat(groups, group)}
export const view = featureView({ name: 'all', features: [${Array.from({ length: groups }, (_, index) => `group_${index}`).join(', ')}] })
export const read = (vector: VectorOf<typeof view>): [number, number | null, string] => [vector.f_0_0, vector.f_0_1, vector.f_${groups - 1}_4]
`,
  },
]

const group = (index: number) => `
const group_${index} = featureGroup({
  name: 'group_${index}',
  entity: user,
  source: orders,
  features: (order) => {
    const purchased = order.kind.eq('purchased')
    return {
${repeat(features, (feature) => `      f_${index}_${feature}: ${expressions[feature % expressions.length]},`)}
    }
  },
})`

const expressions = [
  "count().where(purchased).over('90d')",
  "average(order.total).where(purchased).over('7d')",
  "ratio(count().where(order.kind.eq('returned')), count().where(purchased)).orElse(0)",
  'secondsSince(last(order.at).where(purchased))',
  "sum(order.total).over('1h')",
]

for (const { name, budget, source } of cases) {
  test(`the types of 1,000 ${name} cost at most ${budget} instantiations each`, async (context) => {
    const cost = async (groups: number) => {
      const { diagnostics, instantiations } = await typecheck({ 'features.ts': source(groups) })
      const own = diagnostics.filter(({ file }) => file === 'features.ts')
      assert.deepEqual(own, [], own.map(({ line, message }) => `line ${line}: ${message}`).join('\n'))
      return instantiations
    }
    const [ten, fifty] = [await cost(10), await cost(50)]
    const each = (fifty - ten) / (40 * features)
    context.diagnostic(`${each.toFixed(1)} instantiations each, ${fifty} in all`)
    assert.ok(each <= budget, `${each} instantiations each`)
  })
}
