import type { Duck, Scan } from '../offline/index.ts'
import type { GroupUse } from '../plan/index.ts'
import type { TypeData } from '../schema/index.ts'
import { quoteIdentifier } from './context.ts'
import type { MomentTable } from './evaluate-use.ts'
import { historySql } from './group-values.ts'

const number: TypeData = { kind: 'float', nullable: false }

/**
 * When the newest event, or row of a table, that each moment sees happened, in microseconds; NaN where nothing is known of its key.
 * That no window reaches it and no filter lets it pass does not matter. Each moment looks at the whole history of its key: it
 * is for some thousands of them, not for all labels of a training set.
 */
export async function newestEventTimes(
  duck: Duck,
  { plan, keys }: GroupUse,
  scan: Scan,
  { table, count }: MomentTable,
  keyColumn: (name: string) => string,
  asKnown: boolean,
): Promise<Float64Array> {
  const { refresh } = plan.group
  const moment = refresh.kind === 'live' ? '__at' : `floor((__at - ${refresh.delay}) / ${refresh.every}) * ${refresh.every}`
  const columns = keys.map(({ name }, index) => `, ${quoteIdentifier(keyColumn(name))} AS key_${index}`).join('')
  const asked = `SELECT __row AS __k, ${moment} AS __moment${columns} FROM ${table}`
  const bounds = { asKnown, first: 0, last: Number.MAX_SAFE_INTEGER, everyEvent: true }
  const visible = [
    plan.kind === 'table' ? '__time <= __moment' : '__time < __moment',
    ...(asKnown ? ['(__known IS NULL OR __known <= __moment)'] : []),
    ...(asKnown && plan.kind === 'events' ? ['(__superseded IS NULL OR __superseded > __moment)'] : []),
  ]
  const history = historySql({ plan, keys }, scan, asked, bounds, ', k.__moment')
  const times = new Float64Array(count).fill(Number.NaN)
  const newest = `SELECT __k, max(__time) FROM (${history}) WHERE ${visible.join(' AND ')} GROUP BY __k`
  for await (const batch of duck.stream(newest, [number, number])) {
    const [rows, newestTimes] = batch.columns.map(({ values }) => values as Float64Array) as [Float64Array, Float64Array]
    for (let row = 0; row < batch.count; row++) times[rows[row] as number] = newestTimes[row] as number
  }
  return times
}
