import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { featureView } from 'lockstep'
import { Duck, quoteLiteral } from '../../src/offline/index.ts'
import { buildTrainingSet, labelsFrom } from '../../src/pointintime/index.ts'
import { checkReorder } from './check.ts'
import { writeLabels } from './labels.ts'

/** See `attribution` in the definitions for its source and licence. */
const data = process.env.RETAIL_DATA ?? join(import.meta.dirname, '../../../shared/data/online_retail.parquet')
const skip = existsSync(data) ? false : `the file ${data} is not there`

describe('the retail example on the real file', { skip }, () => {
  let folder: string
  let duck: Duck
  const labels = () => join(folder, 'labels.parquet')
  /** The definitions read their environment when they are loaded. */
  const definitions = () => import('./definitions.ts')

  before(async () => {
    process.env.RETAIL_DATA = data
    folder = await mkdtemp(join(tmpdir(), 'lockstep-retail-'))
    duck = await Duck.open({ temporaryFolder: folder })
    await duck.run(`CREATE VIEW lines AS SELECT *, UnitPrice::DECIMAL(12, 3) AS price FROM read_parquet(${quoteLiteral(data)})`)
    await writeLabels(data, labels())
  })
  after(async () => {
    await duck.close()
    await rm(folder, { recursive: true })
  })

  test('every value of every row equals the oracle, but for the one that is spoiled here', async () => {
    const { reorder } = await definitions()
    const [spoiled, feature] = [12_345, 'item_unit_sum_7d'] as const
    let right: unknown
    await using set = await buildTrainingSet(reorder, labelsFrom(labels()))
    async function* rows() {
      let row = 0
      for await (const values of set) {
        if (row === spoiled) right = values[feature]
        yield row++ === spoiled ? { ...values, [feature]: -1 } : values
      }
    }
    const check = await checkReorder(rows())
    assert.deepEqual(check.different.slice(0, 10), [{ row: spoiled, feature, found: -1, expected: right }])
    assert.equal(check.rows, 22_190)
    assert.equal(check.values, 12 * check.rows)
  })

  test('each label is the first line of an invoice with a customer, and tells whether another order followed', async () => {
    const found = await duck.rows(`
      WITH invoices AS (
        SELECT CustomerID AS customer, InvoiceNo AS invoice, min(InvoiceDate) AS "when" FROM lines WHERE CustomerID IS NOT NULL GROUP BY ALL
      )
      SELECT
        count(*)::INTEGER AS labels,
        count(*) FILTER (EXISTS (
          FROM invoices AS next WHERE next.customer = invoices.customer AND next.invoice NOT LIKE 'C%'
          AND next.when > invoices.when AND next.when <= invoices.when + INTERVAL 30 DAY))::INTEGER AS again
      FROM invoices`)
    const written = await duck.rows(
      `SELECT count(*)::INTEGER AS labels, count(*) FILTER (ordered_again_within_30d)::INTEGER AS again FROM read_parquet(${quoteLiteral(labels())})`,
    )
    assert.deepEqual(written, found)
  })

  test('after the last line the lifetime values are those of plain SQL', async () => {
    const { customerOrders } = await definitions()
    const expected = await duck.rows(`
      SELECT
        CustomerID AS customer_id,
        sum(price * Quantity)::VARCHAR AS customer_spend_sum_lifetime,
        count(DISTINCT InvoiceNo) FILTER (InvoiceNo NOT LIKE 'C%')::INTEGER AS customer_order_count_lifetime,
        count(*) FILTER (InvoiceNo LIKE 'C%') / count(*) AS customer_return_rate_lifetime
      FROM lines WHERE CustomerID IS NOT NULL GROUP BY ALL ORDER BY 1`)
    const view = featureView({
      name: 'lifetime',
      features: [customerOrders.pick('customer_spend_sum_lifetime', 'customer_order_count_lifetime', 'customer_return_rate_lifetime')],
    })
    const ends = expected.map(({ customer_id }) => ({ customer_id, at: '2012-01-01T00:00:00Z' }))
    await using set = await buildTrainingSet(view, labelsFrom(ends))
    const found: unknown[] = []
    for await (const { at: _at, ...values } of set) found.push({ ...values })
    assert.deepEqual(found, expected)
  })
})
