import { existsSync, statSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { LockstepError, openStore } from 'lockstep'
import { countOf, formatBytes, formatCount, formatValue } from '../../src/cli/format.ts'
import { strong } from '../../src/cli/output.ts'
import { formatTable } from '../../src/cli/table.ts'
import { Duck, quoteLiteral } from '../../src/offline/index.ts'
import { checkReorder } from '../retail/check.ts'
import { writeLabels } from '../retail/labels.ts'
import { Steps, sumOf, timed } from './steps.ts'

export interface RetailDemoOptions {
  /** The Parquet file with the order lines. */
  readonly data: string
  readonly folder: string
  readonly signal: AbortSignal
}

const definitions = resolve(import.meta.dirname, '../retail/definitions.ts')

/** Shows the whole way on real order lines and checks every value of the training set; resolves to the exit code. */
export async function retailDemo({ data, folder, signal }: RetailDemoOptions): Promise<number> {
  const { lines, end, keys } = await inspect(data)
  const place = join(folder, 'retail')
  const labels = join(place, 'labels.parquet')
  const output = join(place, 'reorder.parquet')
  // The definitions read it when they are loaded, here and in the threads that check.
  process.env.RETAIL_DATA = resolve(data)
  const { attribution, reorder } = await import('../retail/definitions.ts')
  const features = reorder.featureNames.length
  console.log(strong('Lockstep: define a feature once, get the same value in training and in serving.'))
  console.log(`The data: ${attribution}.\nAll files go to ${place}.\n`)
  const steps = new Steps()

  await steps.run(
    'Choose labels',
    async () => {
      await rm(place, { recursive: true, force: true })
      await mkdir(place, { recursive: true })
      const config = { definitions: relative(place, definitions), folder: 'store', history: { order_lines: relative(place, data) } }
      await writeFile(join(place, 'lockstep.config.json'), `${JSON.stringify(config, null, 2)}\n`)
      await writeLabels(data, labels)
    },
    () => [
      `the first line of each invoice with a customer, of ${countOf(lines, 'line')}`,
      'To be predicted: does this customer order again within 30 days?',
    ],
  )

  await using store = await openStore({ definitions, folder: join(place, 'store') })
  await using set = await steps.run(
    'Build a training set',
    async (tell) => {
      const built = await store.trainingSet(reorder, labels, { signal, progress: ({ stage }) => tell(stage) })
      await built.write(output, { signal })
      return built
    },
    ({ rows }) => [
      `${countOf(rows, 'label')} x ${countOf(features, 'feature')}, each as of the moment of its label`,
      `reorder.parquet (${formatBytes(statSync(output).size)}), and its manifest beside it`,
    ],
  )

  await steps.run(
    'Materialize',
    (tell) => store.materialize(undefined, { asOf: end, signal, progress: ({ stage }) => tell(stage) }),
    (results) => [
      `${countOf(sumOf(results, 'written'), 'row')} of ${countOf(results.length, 'group')} (${formatBytes(sumOf(results, 'bytes'))}), as of ${end}`,
    ],
  )
  const [vector] = await steps.run(
    'Read a vector',
    () => timed(() => store.vector(reorder, keys, { asOf: end })),
    ([, micros]) => [`${countOf(features, 'value')} in ${micros.toFixed(0)} µs`],
  )
  const table = formatTable(
    Object.entries<unknown>(vector.values),
    [
      { title: 'feature', value: ([name]) => name },
      { title: end, value: ([, value]) => formatValue(value) },
    ],
    strong,
  )
  steps.show(`${strong(`Customer ${keys.customer_id} looks at item ${keys.stock_code}`)}\n\n${table}`)

  const check = await steps.run(
    'Check every value',
    async (tell) => {
      tell('the oracle reads the history')
      return await checkReorder(set, { signal, progress: (rows) => tell(`${formatCount(rows)} of ${countOf(set.rows, 'row')} checked`) })
    },
    ({ rows, values, different }) => [
      strong(`${countOf(rows, 'row')}, ${countOf(values, 'value')} compared, different ${formatCount(different.length)}`),
      'by the oracle, which asks of each event, for each label: is it visible?',
    ],
  )
  for (const { row, feature, found, expected } of check.different.slice(0, 10)) {
    console.log(`    row ${formatCount(row)}: ${feature} is ${formatValue(found)}, and should be ${formatValue(expected)}`)
  }

  const isComplete = check.different.length === 0 && check.rows === set.rows
  const command = `npm run -s lockstep -- -p ${place}`
  console.log(
    [
      '',
      strong(isComplete ? `Done in ${steps.seconds.toFixed(0)} s.` : 'The training set is not as it should be.'),
      '',
      strong('What to try next'),
      `${command} describe reorder`,
      `${command} explain reorder.customer_spend_sum_30d customer_id=${keys.customer_id} --as-of ${end}`,
      '',
      `The definitions are in ${relative('.', definitions)}: change one, and run this again.`,
    ].join('\n'),
  )
  return isComplete ? 0 : 1
}

const columns = ['row_no', 'InvoiceNo', 'StockCode', 'Quantity', 'UnitPrice', 'CustomerID', 'Country', 'InvoiceDate']

interface Facts {
  readonly lines: number
  /** The midnight after the last line. */
  readonly end: string
  /** The customer with most lines on the last day, and an item of theirs. */
  readonly keys: { readonly customer_id: number; readonly stock_code: string }
}

/** Looks into the file. Throws `SOURCE_NOT_FOUND`, or `SOURCE_SCHEMA` where it is another one. */
async function inspect(data: string): Promise<Facts> {
  const remedy = 'Give the path of online_retail.parquet, made from the file of https://archive.ics.uci.edu/dataset/352/online+retail.'
  if (!existsSync(data)) throw new LockstepError('SOURCE_NOT_FOUND', `There is no file ${data}`, { where: '--data', remedy })
  await using duck = await Duck.open()
  const lines = `read_parquet(${quoteLiteral(resolve(data))})`
  const described = await duck.rows(`DESCRIBE SELECT * FROM ${lines}`).catch((cause: unknown) => {
    throw new LockstepError('SOURCE_SCHEMA', `${data} is not a Parquet file`, { where: '--data', remedy, cause })
  })
  const missing = columns.filter((column) => !described.some(({ column_name: name }) => name === column))
  if (missing.length > 0)
    throw new LockstepError('SOURCE_SCHEMA', `${data} has no column ${missing.join(', ')}`, { where: '--data', remedy })
  const [facts] = await duck.rows(`
    WITH last_day AS (SELECT max(InvoiceDate)::DATE AS day FROM ${lines})
    SELECT count(*)::INTEGER AS lines, strftime(any_value(day) + 1, '%Y-%m-%dT00:00:00Z') AS end FROM ${lines}, last_day`)
  const [keys] = await duck.rows(`
    SELECT CustomerID::INTEGER AS customer_id, max(StockCode) AS stock_code FROM ${lines}
    WHERE InvoiceDate::DATE = (SELECT max(InvoiceDate)::DATE FROM ${lines}) AND CustomerID IS NOT NULL
    GROUP BY ALL ORDER BY count(*) DESC, customer_id LIMIT 1`)
  return { ...facts, keys } as unknown as Facts
}
