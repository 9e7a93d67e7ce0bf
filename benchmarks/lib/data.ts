import { access, mkdir, rename } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Duck } from '../../src/offline/index.ts'

/** Days over which events and labels are spread. */
export const days = 30

const start = Date.UTC(2026, 0, 1) * 1000
const span = days * 86_400_000_000

/** A file that the same parameters always make the same; kept in the temporary folder between runs. */
async function generated(name: string, select: string): Promise<string> {
  const folder = join(tmpdir(), 'lockstep-bench')
  await mkdir(folder, { recursive: true })
  const path = join(folder, `${name}.parquet`)
  if (
    await access(path).then(
      () => true,
      () => false,
    )
  )
    return path
  await using duck = await Duck.open()
  await duck.run(`COPY (${select}) TO '${path}.partial' (FORMAT parquet)`)
  await rename(`${path}.partial`, path)
  return path
}

/** A hash of a row number and a purpose: the seeded randomness of the data. */
const random = (seed: number, below: number): string => `(hash(i * 1000003 + ${seed}) % ${below})`

/** Events in order of time, as a log holds them: `user_id` (integer), `at`, `amount` (a double of two decimals). */
export const eventsFile = (events: number, keys: number): Promise<string> =>
  generated(
    `events-${events}-${keys}`,
    `SELECT ${random(1, keys)}::INTEGER AS user_id, make_timestamp(${start} + i * ${Math.floor(span / events)}::BIGINT) AS "at", ${random(2, 100_000)} / 100.0::DOUBLE AS amount FROM range(${events}) rows(i)`,
  )

/** Rows of a table in order of time: `user_id`, `at` (valid from), and three values. */
export const tableFile = (rows: number, keys: number): Promise<string> =>
  generated(
    `table-${rows}-${keys}`,
    `SELECT ${random(3, keys)}::INTEGER AS user_id, make_timestamp(${start} + i * ${Math.floor(span / rows)}::BIGINT) AS "at", ${random(4, 100_000)} / 100.0::DOUBLE AS balance, ${random(5, 1000)}::INTEGER AS level FROM range(${rows}) rows(i)`,
  )

/** Labels in no order of time: `label_id`, `user_id`, `at`. */
export const labelsFile = (labels: number, keys: number): Promise<string> =>
  generated(
    `labels-${labels}-${keys}`,
    `SELECT i AS label_id, ${random(6, keys)}::INTEGER AS user_id, make_timestamp(${start} + ${random(7, span)}::BIGINT) AS "at" FROM range(${labels}) rows(i)`,
  )

/** A row a key, in an order that is nobody's: `user_id`, `at` (valid from), and the 20 columns of `profileColumns`. */
export const profilesFile = (keys: number): Promise<string> => {
  const columns = [
    ...Array.from({ length: 8 }, (_, index) => `${random(10 + index, 1_000_000)} / 1000.0::DOUBLE AS score_${index}`),
    ...Array.from({ length: 6 }, (_, index) => `${random(20 + index, 10 ** (index + 1))}::INTEGER AS number_${index}`),
    `'name ' || ${random(30, 1_000_000)} AS name`,
    `'city ' || ${random(31, 1000)} AS city`,
    `['bronze', 'silver', 'gold'][${random(32, 3)}::INTEGER + 1] AS level`,
    `(${random(33, 10_000_000)} / 100.0)::DECIMAL(12, 2) AS balance`,
    `${random(34, 2)} = 0 AS active`,
    `make_timestamp(${start} - ${random(35, span)}::BIGINT) AS joined`,
  ]
  const at = `make_timestamp(${start} + ${random(36, span)}::BIGINT)`
  return generated(
    `profiles-${keys}`,
    `SELECT i::INTEGER AS user_id, ${at} AS "at", ${columns.join(', ')} FROM range(${keys}) rows(i) ORDER BY hash(i)`,
  )
}

/** Events in order of time: `user_id`, `at`, `kind`, `item`, `amount`. */
export const actionsFile = (events: number, keys: number): Promise<string> =>
  generated(
    `actions-${events}-${keys}`,
    `SELECT ${random(40, keys)}::INTEGER AS user_id, make_timestamp(${start} + i * ${Math.floor(span / events)}::BIGINT) AS "at", ['viewed', 'purchased'][${random(41, 2)}::INTEGER + 1] AS kind, ${random(42, 10_000)}::INTEGER AS item, ${random(43, 100_000)} / 100.0::DOUBLE AS amount FROM range(${events}) rows(i)`,
  )

/** The moment after the last event. */
export const end = new Date((start + span) / 1000)

/**
 * Purchases in order of time: `purchase_id`, `user_id`, `category` and `city` (texts), `item_id`, `shop_id`, `quantity`, `price`,
 * `discount`, `shipping`, `tax` and `total` (decimals), `weight`, `at`.
 */
export const purchasesFile = (rows: number, users: number): Promise<string> => {
  const decimal = (seed: number, below: number) => `(${random(seed, below)}::INTEGER * 0.01::DECIMAL(3, 2))::DECIMAL(12, 2)`
  const columns = [
    'i AS purchase_id',
    `'user ' || ${random(40, users)} AS user_id`,
    `${random(41, users)}::INTEGER AS item_id`,
    `${random(52, 5000)}::INTEGER AS shop_id`,
    `'category ' || ${random(42, 1000)} AS category`,
    `'city ' || ${random(53, 2000)} AS city`,
    `${random(54, 20)}::INTEGER + 1 AS quantity`,
    `${decimal(55, 50_000)} AS price`,
    `${decimal(56, 5_000)} AS discount`,
    `${decimal(57, 2_000)} AS shipping`,
    `${decimal(58, 10_000)} AS tax`,
    `${decimal(43, 100_000)} AS total`,
    `${random(59, 100_000)} / 1000.0::DOUBLE AS weight`,
    `make_timestamp(${start} + i * ${Math.floor(span / rows)}::BIGINT) AS "at"`,
  ]
  return generated(`wide-purchases-${rows}-${users}`, `SELECT ${columns.join(', ')} FROM range(${rows}) rows(i)`)
}

/** Rows of a table in order of time: `user_id`, `tier`, `discount`, `at` (valid from). */
export const tiersFile = (rows: number, users: number): Promise<string> =>
  generated(
    `tiers-${rows}-${users}`,
    `SELECT 'user ' || ${random(44, users)} AS user_id, 'tier ' || ${random(45, 5)} AS tier, (${random(46, 50)}::INTEGER * 0.01::DECIMAL(3, 2))::DECIMAL(4, 2) AS discount, make_timestamp(${start} + i * ${Math.floor(span / rows)}::BIGINT) AS "at" FROM range(${rows}) rows(i)`,
  )

/** Labels in no order of time: `label_id`, `user_id`, `item_id`, `at`, `budget`, `bought`. */
export const purchaseLabelsFile = (labels: number, users: number): Promise<string> =>
  generated(
    `purchase-labels-${labels}-${users}`,
    `SELECT i AS label_id, 'user ' || ${random(47, users)} AS user_id, ${random(48, users)}::INTEGER AS item_id, make_timestamp(${start} + ${random(49, span)}::BIGINT) AS "at", ${random(50, 10_000)} / 100.0::DOUBLE AS budget, ${random(51, 2)} = 1 AS bought FROM range(${labels}) rows(i)`,
  )

/** The size of a file's rows as plain columns: 8 bytes for a number, a moment or a truth, and of a text its own bytes. */
export async function plainBytes(path: string): Promise<number> {
  await using duck = await Duck.open()
  const columns = await duck.rows(`DESCRIBE FROM '${path}'`)
  const widths = columns.map(({ column_name: name, column_type: type }) => (type === 'VARCHAR' ? `strlen("${name}")` : '8'))
  const [row] = await duck.rows(`SELECT sum(${widths.join(' + ')})::DOUBLE AS bytes FROM '${path}'`)
  return row?.bytes as number
}
