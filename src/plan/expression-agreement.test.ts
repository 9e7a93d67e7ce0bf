import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { DuckDBDateValue, DuckDBDecimalValue, DuckDBInstance, DuckDBTimestampValue, type DuckDBValue } from '@duckdb/node-api'
import fc from 'fast-check'
import { arbitraryCell } from '../../test/support/arbitrary-cell.ts'
import { arbitraryCall, columnTypes } from '../../test/support/arbitrary-expression.ts'
import { answers, outOfRange, type Value } from '../../test/support/expression-answers.ts'
import { call, type ExpressionNode } from '../definition/expression.ts'
import { type FunctionName, functionNames } from '../definition/functions.ts'
import { LockstepError } from '../errors.ts'
import { type Cell, sqlType, type TypeData } from '../schema/index.ts'
import { compileExpression, compileFilter } from './evaluate-expression.ts'
import { expressionSql } from './expression-sql.ts'
import { mayRaise } from './may-raise.ts'
import { pushable } from './pushable.ts'

const instance = await DuckDBInstance.create(':memory:')
const connection = await instance.connect()
after(() => connection.closeSync())

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`
const query = async (sql: string): Promise<readonly DuckDBValue[][]> => (await connection.runAndReadAll(sql)).getRows()
type Row = Readonly<Record<string, Cell>>

const isText = ({ kind }: TypeData): boolean => kind === 'string' || kind === 'oneOf'
/** The client drops a U+FEFF that a text begins with, so texts come behind a full stop. */
const selected = ({ type }: ExpressionNode, sql: string): string => (isText(type) ? `'.' || ${sql}` : sql)

/** The value that DuckDB gave for `selected`, as a cell of this type. */
function cellOf(type: TypeData, value: DuckDBValue): Cell {
  if (value === null) return null
  if (value instanceof DuckDBTimestampValue) return Number(value.micros)
  if (value instanceof DuckDBDateValue) return value.days
  if (type.kind === 'decimal') {
    const decimal = value instanceof DuckDBDecimalValue ? value : new DuckDBDecimalValue(BigInt(value as number | bigint), 38, 0)
    return Number(decimal.value) * 10 ** ((type.scale ?? 0) - decimal.scale)
  }
  if (type.kind === 'integer') return Number(value)
  if (type.kind === 'float') return (value as number) + 0
  return isText(type) ? (value as string).slice(1) : (value as Cell)
}

type Outcome = Cell | typeof outOfRange

function evaluate(node: ExpressionNode, row: Row): Outcome {
  try {
    return compileExpression(node, (leaf) => () => (leaf.node === 'column' ? (row[leaf.name] as Cell) : null))(0)
  } catch (error) {
    if (error instanceof LockstepError && error.code === 'NUMBER_OUT_OF_RANGE') return outOfRange
    throw error
  }
}

const columnNode = ([type]: Value, index: number): ExpressionNode => ({ node: 'column', name: `c${index}`, type })
const literalNode = ([type, value]: Value): ExpressionNode => ({ node: 'literal', value, type })
const valueSql = (value: Value) => expressionSql(literalNode(value), quoted)

for (const name of functionNames) {
  test(`${name}: the known answers, from columns and literals, here and in DuckDB`, async () => {
    assert.ok(answers[name].length > 0, 'a function without known answers')
    for (const [values, expected] of answers[name]) {
      const row = Object.fromEntries(values.map(([, cell], index) => [`c${index}`, cell]))
      for (let form = 0; form < 2 ** values.length; form++) {
        const { node } = call(
          name,
          values.map((value, index) => ((form >> index) & 1 ? literalNode(value) : columnNode(value, index))),
        )
        const label = `${name}(${values.map(([type, cell]) => `${type.kind} ${String(cell)}`).join(', ')}), form ${form}`
        assert.deepEqual(evaluate(node, row), expected, label)
        if (expected === outOfRange) assert.ok(mayRaise(node), label)
        const sql = expressionSql(node, quoted)
        if (sql === null || values.some((value) => valueSql(value) === null)) continue
        const columns = values.map((value, index) => `CAST(${valueSql(value)} AS ${sqlType(value[0])}) AS c${index}`)
        const [answer] = await query(`SELECT ${selected(node, sql)} FROM (SELECT ${columns.join(', ')})`)
        assert.deepEqual(cellOf(node.type, answer?.[0] as DuckDBValue), expected, `${label}: ${sql}`)
      }
    }
  })
}

const rowNames = Object.keys(columnTypes)
const arbitraryRows: fc.Arbitrary<Row[]> = fc.array(
  fc.record(Object.fromEntries(rowNames.map((name) => [name, arbitraryCell(columnTypes[name] as TypeData)]))),
  {
    minLength: 1,
    maxLength: 8,
  },
)

await connection.run(
  `CREATE TABLE example (row_number BIGINT, ${rowNames.map((name) => `${quoted(name)} ${sqlType(columnTypes[name] as TypeData)}`).join(', ')})`,
)

async function fill(rows: readonly Row[]): Promise<void> {
  await connection.run('DELETE FROM example')
  const appender = await connection.createAppender('example')
  for (const [index, row] of rows.entries()) {
    appender.appendBigInt(BigInt(index))
    for (const name of rowNames) {
      const type = columnTypes[name] as TypeData
      const cell = row[name] as Cell
      if (cell === null) appender.appendNull()
      else if (type.kind === 'boolean') appender.appendBoolean(cell as boolean)
      else if (type.kind === 'integer' || type.kind === 'int64') appender.appendBigInt(BigInt(cell as number | bigint))
      else if (type.kind === 'float') appender.appendDouble(cell as number)
      else if (type.kind === 'decimal')
        appender.appendDecimal(new DuckDBDecimalValue(BigInt(cell as number), type.precision ?? 15, type.scale ?? 0))
      else if (type.kind === 'timestamp') appender.appendTimestamp(new DuckDBTimestampValue(BigInt(cell as number)))
      else if (type.kind === 'date') appender.appendDate(new DuckDBDateValue(cell as number))
      else appender.appendVarchar(cell as string)
    }
    appender.endRow()
  }
  appender.closeSync()
}

const describe = (node: ExpressionNode): unknown =>
  node.node === 'call' ? [node.function, ...node.arguments.map(describe)] : node.node === 'literal' ? String(node.value) : node.node

test('random expressions of every function give the same values here and in DuckDB', async () => {
  const lowered = new Set<FunctionName>()
  for (const name of functionNames) {
    await fc.assert(
      fc.asyncProperty(fc.array(arbitraryCall(name), { minLength: 1, maxLength: 12 }), arbitraryRows, async (nodes, rows) => {
        const pushed = nodes.flatMap((node) => {
          const sql = expressionSql(node, quoted)
          return sql === null ? [] : [{ node, sql }]
        })
        for (const node of nodes) {
          const outcomes = rows.map((row) => evaluate(node, row))
          if (!mayRaise(node)) assert.ok(!outcomes.includes(outOfRange), `${describe(node)} raises`)
          if (!node.type.nullable) assert.ok(!outcomes.includes(null), `${describe(node)} is null`)
        }
        if (pushed.length === 0) return
        lowered.add(name)
        await fill(rows)
        const given = await query(
          `SELECT ${pushed.map(({ node, sql }) => selected(node, sql)).join(', ')} FROM example ORDER BY row_number`,
        )
        for (const [place, { node, sql }] of pushed.entries()) {
          const expected = rows.map((row) => evaluate(node, row))
          assert.deepEqual(
            given.map((values) => cellOf(node.type, values[place] as DuckDBValue)),
            expected,
            `${sql} of ${JSON.stringify(describe(node))}`,
          )
          if (node.type.kind !== 'boolean') continue
          const kept = await query(`SELECT row_number FROM example WHERE ${sql} ORDER BY row_number`)
          assert.deepEqual(
            kept.map(([index]) => Number(index)),
            expected.flatMap((value, index) => (value === true ? [index] : [])),
            `WHERE ${sql}`,
          )
        }
      }),
      { numRuns: 12 },
    )
  }
  assert.deepEqual([...lowered], [...functionNames])
})

test('a split filter keeps the rows of the whole, and raises where it raises', async () => {
  const keeps = (node: ExpressionNode | null, row: Row): boolean | typeof outOfRange => {
    if (node === null) return true
    try {
      return compileFilter(node, (leaf) => () => (leaf.node === 'column' ? (row[leaf.name] as Cell) : null))(0)
    } catch {
      return outOfRange
    }
  }
  let split = 0
  const conjunction = fc.array(
    fc.constantFrom<FunctionName>('eq', 'lt', 'gte', 'isIn', 'contains', 'or', 'isNull').chain((name) => arbitraryCall(name)),
    { minLength: 1, maxLength: 5 },
  )
  await fc.assert(
    fc.asyncProperty(conjunction, arbitraryRows, async (parts, rows) => {
      const filter = (parts as ExpressionNode[]).reduce((left, right) => call('and', [left, right]).node)
      const { sql, rest } = pushable(filter, quoted)
      if (sql !== null && rest !== null) split++
      await fill(rows)
      const scanned = (await query(`SELECT row_number FROM example WHERE ${sql ?? 'TRUE'} ORDER BY row_number`)).map(([index]) =>
        Number(index),
      )
      for (const [index, row] of rows.entries()) {
        assert.equal(
          scanned.includes(index) ? keeps(rest, row) : false,
          keeps(filter, row),
          `${sql} and then ${JSON.stringify(rest && describe(rest))}`,
        )
      }
    }),
    { numRuns: 150 },
  )
  assert.ok(split > 0)
})

test('what stands behind a part that may raise is not pushed before it', () => {
  const id: ExpressionNode = { node: 'column', name: 'id', type: { kind: 'integer', nullable: false } }
  const one: ExpressionNode = { node: 'literal', value: 1, type: { kind: 'integer', nullable: false } }
  const plain = call('gt', [id, one]).node
  const raising = call('gt', [call('add', [id, one]).node, one]).node
  assert.deepEqual(pushable(call('and', [plain, raising]).node, quoted), { sql: '("id" > (1))', rest: raising })
  assert.deepEqual(pushable(call('and', [raising, plain]).node, quoted), { sql: null, rest: call('and', [raising, plain]).node })
  assert.deepEqual(pushable(plain, quoted), { sql: '("id" > (1))', rest: null })
})

test('names and literals cannot leave their place in the SQL', async () => {
  const name = 'a"; DROP TABLE example; --'
  const text = "'; DROP TABLE example; --"
  const type: TypeData = { kind: 'string', nullable: false }
  const sql = expressionSql(
    call('eq', [
      { node: 'column', name, type },
      { node: 'literal', value: text, type },
    ]).node,
    quoted,
  )
  const rows = await query(`SELECT ${sql} FROM (SELECT '${text.replaceAll("'", "''")}' AS ${quoted(name)})`)
  assert.deepEqual(rows, [[true]])
  assert.equal(expressionSql({ node: 'literal', value: 'a\0b', type }, quoted), null)
})

test('texts are ordered in the scan only where bytes and code units agree', () => {
  const type: TypeData = { kind: 'string', nullable: false }
  const column: ExpressionNode = { node: 'column', name: 's', type }
  const below = (value: string) => expressionSql(call('lt', [column, { node: 'literal', value, type }]).node, quoted)
  assert.equal(below('ä\u{d7ff}'), `("s" < 'ä\u{d7ff}')`)
  assert.equal(below('\u{e000}'), null)
  assert.equal(below('😀'), null)
  assert.equal(expressionSql(call('lt', [column, column]).node, quoted), null)
})

test('a stored infinity or an extreme moment raises nothing in the scan', async () => {
  const type: TypeData = { kind: 'timestamp', nullable: false }
  const [a, b] = ['a', 'b'].map((name): ExpressionNode => ({ node: 'column', name, type })) as [ExpressionNode, ExpressionNode]
  for (const name of ['secondsAfter', 'daysAfter', 'lt'] as const) {
    const sql = expressionSql(call(name, [a, b]).node, quoted)
    await query(
      `SELECT ${sql} FROM (VALUES (TIMESTAMP 'infinity', TIMESTAMP '-infinity'), (TIMESTAMP '290000-01-01', TIMESTAMP '-290000-01-01')) AS t(a, b)`,
    )
  }
  for (const name of ['year', 'dayOfWeek', 'hour', 'minute'] as const) {
    await query(`SELECT ${expressionSql(call(name, [a]).node, quoted)} FROM (VALUES (TIMESTAMP 'infinity')) AS t(a)`)
  }
  const integer: ExpressionNode = { node: 'column', name: 'i', type: { kind: 'integer', nullable: false } }
  for (const name of ['negate', 'absolute'] as const) {
    await query(`SELECT ${expressionSql(call(name, [integer]).node, quoted)} FROM (VALUES ((-9223372036854775808)::BIGINT)) AS t(i)`)
  }
})
