import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Finished, run } from '../scripts/run.ts'
import { root, temporaryFolder } from '../scripts/workspace.ts'
import { Duck, quoteLiteral } from '../src/offline/index.ts'

const node = (file: string, ...given: string[]): Promise<Finished> =>
  run(process.execPath, ['--conditions=source', join(root, file), ...given], { cwd: root })
const demo = (...given: string[]) => node('examples/demo.ts', ...given)

/** Runs the commands that a demo says to try next. */
async function tryNext({ stdout }: Finished): Promise<string[]> {
  const commands = stdout.split('\n').filter((line) => line.startsWith('npm run -s lockstep -- '))
  const answers: string[] = []
  for (const command of commands) {
    const answer = await node('src/cli/main.ts', ...command.split(' ').slice(5))
    assert.equal(answer.code, 0, `${command}\n${answer.stderr}`)
    answers.push(answer.stdout)
  }
  return answers
}

test('on a generated shop it shows the whole way, and what it says to try next works', async () => {
  using folder = temporaryFolder()
  const given = ['--events', '20000', '--seed', '12', '--folder', folder.path]
  const first = await demo(...given)
  assert.equal(first.code, 0, first.stderr)
  assert.match(first.stdout, /1,000 labels x 17 features/)
  assert.match(first.stdout, /1,000 vectors.*\n\s+17,000 values compared, 0 different/)
  assert.match(first.stdout, /user_click_count_30m +[1-9]\d* +0 /, 'the window moves on')
  assert.match(first.stdout, /item_orders at seven midnights: [1-9]/)
  const [described, vector, explanation] = await tryNext(first)
  assert.match(described ?? '', /user_order_value_avg_90d/)
  assert.match(vector ?? '', /user_click_count_30m/)
  assert.match(explanation ?? '', /user_order_value_avg_90d = /)

  const again = await demo(...given)
  assert.match(again.stdout, /kept from an earlier run/)
  const table = /feature {2}[\s\S]*?Nothing happened/
  assert.equal(table.exec(again.stdout)?.[0], table.exec(first.stdout)?.[0])
})

test('on a file of order lines it names its source and checks every value', async () => {
  using folder = temporaryFolder()
  const file = join(folder.path, 'lines.parquet')
  await using duck = await Duck.open()
  await duck.run(`COPY (
    SELECT i::INTEGER AS row_no, (CASE WHEN i % 50 < 3 THEN 'C' ELSE '' END) || (i // 5) AS InvoiceNo, 'S' || (i * 7 % 23) AS StockCode,
      'a thing' AS Description, (CASE WHEN i % 50 < 3 THEN -1 ELSE i % 9 END)::INTEGER AS Quantity,
      TIMESTAMP '2011-03-01 08:00:00' + INTERVAL (i // 5 * 7) MINUTE AS InvoiceDate, (i % 13 + 0.5)::DOUBLE AS UnitPrice,
      CASE WHEN i // 5 % 4 > 0 THEN (i // 5 % 17)::INTEGER END AS CustomerID, 'France' AS Country
    FROM range(5000) lines(i)) TO ${quoteLiteral(file)} (FORMAT parquet)`)
  const told = await demo('--data', file, '--folder', folder.path)
  assert.equal(told.code, 0, told.stderr)
  assert.match(told.stdout, /Online Retail, UCI Machine Learning Repository, data set 352, Daqing Chen \(2015\), CC BY 4\.0/)
  assert.match(told.stdout, /800 rows, 9,600 values compared, different 0/)
  await tryNext(told)

  await duck.run(`COPY (SELECT 1 AS row_no) TO ${quoteLiteral(file)} (FORMAT parquet)`)
  const other = await demo('--data', file, '--folder', folder.path)
  assert.equal(other.code, 1)
  assert.match(other.stderr, /has no column InvoiceNo/)
})

test('wrong usage is told', async () => {
  const [help, missing, text, events] = await Promise.all([
    demo('--help'),
    demo('--data', 'nowhere.parquet'),
    demo('--data', join(root, 'package.json')),
    demo('--events', 'many'),
  ])
  assert.equal(help.code, 0)
  assert.match(help.stdout, /--data FILE.*data set 352/)
  assert.equal(missing.code, 1)
  assert.match(missing.stderr, /There is no file nowhere\.parquet/)
  assert.equal(text.code, 1)
  assert.match(text.stderr, /package\.json is not a Parquet file/)
  assert.equal(events.code, 2)
  assert.match(events.stderr, /--events must be a whole number from 10000, not many/)
})
