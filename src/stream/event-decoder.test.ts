import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { events, type History, ndjson, parquet, type SourceData } from '../definition/index.ts'
import { cellAt, Duck, prepareScan, quoteIdentifier, transportSql } from '../offline/index.ts'
import { type Cell, type ColumnType, t } from '../schema/index.ts'
import { seededRandom } from '../testing/seeded-random.ts'
import { eventDecoder, formatInvalid, type InvalidEvent, isInvalid } from './event-decoder.ts'

const folder = mkdtempSync(join(tmpdir(), 'lockstep-decoder-'))
const duck = await Duck.open({ threads: 1 })
after(async () => {
  await duck.close()
  rmSync(folder, { recursive: true })
})

const seed = Number(process.env.LOCKSTEP_SEED ?? Math.floor(Math.random() * 2 ** 32))
const random = seededRandom(seed)
const one = <T>(values: readonly T[]): T => values[random(values.length)] as T

interface Read {
  /** Of the valid rows, by number. */
  readonly cells: Map<number, Cell[]>
  /** How often which reason was given. */
  readonly reasons: Map<string, number>
}

async function scannedLines(source: SourceData, lines: readonly string[]): Promise<Read> {
  const path = join(folder, 'lines.ndjson')
  writeFileSync(path, lines.join('\n'))
  return await scanned(source, ndjson(path))
}

/** What a scan makes of a history. */
async function scanned(source: SourceData, history: History): Promise<Read> {
  const scan = await prepareScan(duck, source, { history })
  const columns = Object.entries(source.columns)
  const types = columns.map(([, type]) => type)
  const selected = columns.map(([name, type]) => transportSql(type, quoteIdentifier(name)))
  const cells = new Map<number, Cell[]>()
  for await (const batch of duck.stream(`SELECT ${selected.join(', ')} FROM (${scan.sql})`, types)) {
    for (let row = 0; row < batch.count; row++) {
      const found = types.map((type, at) => cellAt(type, batch.columns[at] as (typeof batch.columns)[number], row))
      cells.set(found[0] as number, found)
    }
  }
  const { problems } = await scan.report()
  await scan.close()
  return { cells, reasons: new Map(problems.map(({ column, reason, count }) => [`${column} ${reason}`, count])) }
}

function decoded<T>(payloads: readonly T[], decode: (payload: T) => readonly Cell[] | InvalidEvent): Read {
  const cells = new Map<number, Cell[]>()
  const reasons = new Map<string, number>()
  payloads.forEach((payload, number) => {
    const found = decode(payload)
    if (isInvalid(found)) {
      // Of a line that is no object, files say it in other words.
      const told = found.column === '' ? ' is a line that is not a JSON object' : `${found.column} ${found.reason}`
      reasons.set(told, (reasons.get(told) ?? 0) + 1)
    } else cells.set(number, [...found])
  })
  return { cells, reasons }
}

const valued = (type: ColumnType, timeZone = 'UTC'): SourceData =>
  events('lines', {
    columns: { row: t.integer(), value: type, at: t.timestamp() },
    time: 'at',
    timeZone,
    invalidRows: 'setAside',
  } as never)

async function compare(source: SourceData, values: readonly string[]): Promise<void> {
  const lines = values.map((value, row) => `{"row":${row},"at":"2026-01-05T10:00:00Z"${value === '' ? '' : `,"value":${value}`}}`)
  agree(source, values, decoded(lines, eventDecoder(source).json), await scannedLines(source, lines))
}

function agree(source: SourceData, values: readonly unknown[], found: Read, expected: Read): void {
  const told = `LOCKSTEP_SEED=${seed}, ${JSON.stringify(source.columns.value)}`
  for (const [row, value] of values.entries()) assert.deepEqual(found.cells.get(row), expected.cells.get(row), `${told}: ${String(value)}`)
  assert.deepEqual(new Map([...found.reasons].sort()), new Map([...expected.reasons].sort()), told)
}

const digits = (most: number): string => Array.from({ length: 1 + random(most) }, () => random(10)).join('')
const spaces = ['', '', '', ' ', '\t', '\n', '\u00a0', '\u2003', '\u3000', '\v']
const wholes = () => String(Number(digits(one([1, 3, 15, 16])))) + one(['', '', '0', '000'])
const jsonNumber = (): string =>
  one(['', '', '-']) +
  one([
    () => String(BigInt(digits(one([1, 3, 16, 19, 22])))),
    () => `${wholes()}.${digits(one([1, 2, 3, 17]))}`,
    () => `${wholes()}.0${one(['', '0', '00'])}`,
    () => `${one(['1', '12', '1.5', '0.003', '9.99', '123456789'])}${one(['e', 'E'])}${one(['', '+', '-'])}${random(one([3, 24, 400]))}`,
    () => one(['0', '0.0', '9007199254740991', '9007199254740992', '9007199254740993', '9223372036854775807', '9223372036854775808']),
    () => one(['0.1', '0.30000000000000004', '2.675', '0.000001', '0.00001', '0.0000012', '1e-7', '99999.99', '99999.995', '0.005']),
  ])()
const numberText = (): string =>
  one(spaces) +
  one(['', '', '+', '-', '+-', '--']) +
  one([
    () => digits(one([1, 2, 6, 17, 25])),
    () => `${digits(3)}.${digits(3)}`,
    () => `${digits(2)}.0`,
    () => `${digits(2)}.`,
    () => `.${digits(2)}`,
    () => `${digits(2)}e${one(['', '+', '-'])}${digits(1)}`,
    () =>
      one([
        'nan',
        'NaN',
        'inf',
        'Infinity',
        '-inf',
        '1_000',
        '0x10',
        '0b1',
        '1e',
        '',
        'e5',
        '5f',
        '1,5',
        '٣',
        '½',
        '1e400',
        '1e-400',
        '00.50',
      ]),
  ])() +
  one(spaces)
const two = (most: number) => String(random(most)).padStart(2, '0')
const year = () => one(['2026', '2024', '1999', '1684', '1683', '2255', '2256', '0000', '0001', '0099', '9999', '1900', '2000'])
const momentTexts = (): string =>
  one(spaces) +
  `${year()}-${one([two(13), '06'])}-${one([two(32), '29', '31', '05'])}` +
  one([
    () => '',
    () =>
      `${one(['T', ' ', 't', '  '])}${two(25)}:${two(61)}${one(['', `:${two(61)}`, `:${two(60)}.${digits(6)}`, `:${two(60)}.${digits(9)}`, `:00.${digits(6)}000`, ':00.'])}`,
    () => `T${two(24)}:${two(60)}:${two(60)}.${digits(3)}`,
  ])() +
  one(['', '', 'Z', 'z', ' Z', '+02', '-05:30', '+0530', '+99:99', '+2', '-00:00', ' +01:00', 'UTC']) +
  one(spaces)
const json = (text: () => string) => () => JSON.stringify(text())
const words = [
  '',
  'a',
  'b',
  'A',
  'c d',
  ' a',
  'true',
  'T',
  'yes',
  'No',
  'on',
  '1',
  '0',
  '2',
  '\u00a0f ',
  '\tt',
  '🙂',
  '\u0000',
  'é',
  '[1,2]',
  '{"a":1}',
  '{"a"',
  '"a"',
  'null',
]
const atoms: readonly (() => string)[] = [
  jsonNumber,
  json(numberText),
  json(momentTexts),
  json(() => one(words)),
  () => one(['true', 'false', 'null', '']),
  () => one(['NaN', 'nan', 'Infinity', '-Infinity', 'inf', '-inf', 'INF']),
  () =>
    one([
      '"\\ud83d\\ude42"',
      '"\\ud83d"',
      '"\\ude42 x"',
      '"\\\\ud83d"',
      '"\\u0041"',
      '01',
      '+1',
      '.5',
      '1.',
      "'a'",
      'undefined',
      '"\u0001"',
    ]),
]
const atom = () => one(atoms)()
const array = (item: () => string) =>
  `[${Array.from({ length: random(5) }, item).join(one([',', ', ']))}${one(['', '', '', ','])}]`.replace('[,]', '[]')
const object = () =>
  `{${one(['', `"b":${atom() || 1},"a":[${jsonNumber()},{"z":1.50,"y":"x"}]`, '"a":1.0', '"\\ud83d":1', '"a":1,', '"":null'])}}`
const nested = () => one([atom, atom, () => array(() => atom() || 'null'), object])()
const anything = () =>
  one([
    atom,
    atom,
    atom,
    () => array(() => nested() || 'null'),
    object,
    json(() => array(() => nested() || 'null')),
    json(() => one(['{"a":1,"b":2.50}', '{"b":1,"a":"x"}', '{}', '[{}]'])),
  ])()

const cases: Record<string, { readonly type: ColumnType; readonly values: () => string; readonly zone?: string }> = {
  string: { type: t.string(), values: anything },
  'string that may be null': { type: t.string().nullable(), values: anything },
  oneOf: { type: t.oneOf('a', 'b', '1', '1.0', 'true', "it's"), values: anything },
  boolean: { type: t.boolean(), values: () => one([anything, json(() => one(words)), () => one(['0', '1', '1.0', '-0', '2'])])() },
  integer: { type: t.integer(), values: () => one([anything, jsonNumber, json(numberText)])() },
  'integer in a range': { type: t.integer().range(-5, 100), values: () => one([jsonNumber, json(numberText)])() },
  int64: { type: t.int64().nullable(), values: () => one([anything, jsonNumber, json(numberText)])() },
  float: { type: t.float(), values: () => one([anything, jsonNumber, json(numberText)])() },
  'float with NaN': { type: t.float().allowNaN(), values: () => one([anything, jsonNumber, json(numberText)])() },
  'float with NaN in a range': { type: t.float().allowNaN().range(0, 5.5), values: () => one([anything, jsonNumber, json(numberText)])() },
  'decimal(12, 2)': { type: t.decimal(12, 2), values: () => one([anything, jsonNumber, json(numberText)])() },
  'decimal(7, 6)': { type: t.decimal(7, 6).nullable(), values: () => one([jsonNumber, json(numberText)])() },
  'decimal(15, 0) in a range': { type: t.decimal(15, 0).range('-10', '1000000'), values: () => one([jsonNumber, json(numberText)])() },
  timestamp: { type: t.timestamp(), values: () => one([anything, json(momentTexts), json(momentTexts)])() },
  'timestamp of a zone': { type: t.timestamp(), values: json(momentTexts), zone: 'Europe/Paris' },
  'timestamp in a range': { type: t.timestamp().range('1999-06-05', '2026-06-05T12:00'), values: json(momentTexts) },
  date: { type: t.date(), values: () => one([anything, json(momentTexts), json(() => `${year()}-${two(14)}-${two(33)}`)])() },
  'list of integers': { type: t.list(t.integer()), values: () => one([anything, () => array(jsonNumber)])() },
  'list of strings': { type: t.list(t.string().nullable()), values: () => one([anything, () => array(nested)])() },
  'list of decimals': { type: t.list(t.decimal(9, 6)), values: () => array(jsonNumber) },
  'list of floats': { type: t.list(t.float()), values: () => one([anything, () => array(jsonNumber)])() },
  'list of moments': { type: t.list(t.timestamp()).nullable(), values: () => one([anything, () => array(json(momentTexts))])() },
  'list of lists': { type: t.list(t.list(t.int64().nullable())), values: () => one([anything, () => array(() => array(jsonNumber))])() },
  vector: {
    type: t.vector(2),
    values: () => one([anything, () => `[${atom() || 1},${jsonNumber()}]`, () => `[${jsonNumber()},${jsonNumber()}]`])(),
  },
  struct: { type: t.struct().nullable(), values: () => one([anything, object])() },
}

suite('a payload is read as a line of a file is', () => {
  for (const [name, { type, values, zone }] of Object.entries(cases)) {
    void test(name, async () => {
      const source = valued(type, zone)
      await compare(source, Array.from({ length: 1500 }, values))
    })
  }
})

const doubles = () =>
  one([
    () => Number(jsonNumber()),
    () => random(2000) / 100 - 10,
    () => 0.1 + random(100) / 10,
    () => (random(1e6) / 1000) * one([1, 1.0000000000000002, 0.9999999999999999, 1.000000000000003]),
    () => one([0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** 53, -(2 ** 53) + 1, 2 ** 62, 2 ** 63, 5e-324]),
  ])()
const whole = () => BigInt.asIntN(64, BigInt(one(['', '-']) + digits(one([1, 2, 7, 16, 19]))))
const instant = () =>
  new Date(one([random(2 ** 32) * 1000, random(2 ** 32) * -2000, 253e12, random(20_000) * 86_400_000, -9007199254741, 9007199254741]))

/** SQL of a value of a DuckDB type. */
const literal = (value: unknown, type: string): string => {
  if (value === null) return `CAST(NULL AS ${type})`
  if (typeof value === 'bigint') return `CAST('${value}' AS ${type})`
  if (typeof value === 'number') return `CAST('${Object.is(value, -0) ? '-0.0' : value}' AS ${type})`
  if (value instanceof Date)
    return type === 'DATE' ? `(DATE '1970-01-01' + ${value.getTime() / 86_400_000})` : `make_timestamp(${value.getTime() * 1000})`
  return typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(value)
}

suite('typed fields are read as typed columns of a file are', () => {
  const rowsOf: Record<string, () => unknown> = {
    BIGINT: whole,
    DOUBLE: doubles,
    BOOLEAN: () => one([true, false]),
    VARCHAR: () => one([numberText, momentTexts, () => one(words)])().replaceAll('\0', ''),
    TIMESTAMP: instant,
    DATE: () => new Date(Math.floor(instant().getTime() / 86_400_000) * 86_400_000),
  }
  const typed: readonly (readonly [ColumnType, readonly string[]])[] = [
    [t.string().nullable(), ['BIGINT', 'VARCHAR']],
    [t.oneOf('a', '1', 'true', '7'), ['BIGINT', 'VARCHAR']],
    [t.boolean(), ['BIGINT', 'BOOLEAN', 'VARCHAR']],
    [t.integer().nullable(), ['BIGINT', 'DOUBLE', 'VARCHAR']],
    [t.integer().range(-100, 5000), ['BIGINT', 'DOUBLE']],
    [t.int64(), ['BIGINT', 'VARCHAR']],
    [t.float(), ['BIGINT', 'DOUBLE', 'VARCHAR']],
    [t.float().allowNaN(), ['DOUBLE']],
    [t.decimal(12, 2), ['BIGINT', 'DOUBLE', 'VARCHAR']],
    [t.decimal(15, 0).nullable(), ['BIGINT', 'DOUBLE']],
    [t.decimal(6, 3), ['DOUBLE']],
    [t.timestamp(), ['TIMESTAMP', 'DATE', 'VARCHAR']],
    [t.date(), ['TIMESTAMP', 'DATE', 'VARCHAR']],
  ]
  for (const [type, fileTypes] of typed) {
    for (const fileType of fileTypes) {
      void test(`${type.data.kind} from ${fileType}`, async () => {
        const source = valued(type)
        const values = Array.from({ length: 1000 }, () => (random(20) === 0 ? null : rowsOf[fileType]?.()))
        const path = join(folder, 'typed.parquet')
        const listed = values.map((value, row) => `(${row}, ${literal(value, fileType)})`)
        await duck.run(`COPY (SELECT CAST("row" AS BIGINT) AS "row", CAST(value AS ${fileType}) AS value, TIMESTAMP '2026-01-05 10:00:00' AS "at"
          FROM (VALUES ${listed.join(', ')}) AS listed("row", value)) TO '${path}' (FORMAT parquet)`)
        const payloads = values.map((value, row) => ({ row, value, at: '2026-01-05T10:00:00Z' }))
        agree(source, values, decoded(payloads, eventDecoder(source).fields), await scanned(source, parquet(path)))
      })
    }
  }
})

const orders = events('orders', {
  columns: {
    order_id: t.string().nullable(),
    user_id: t.int64(),
    total: t.decimal(12, 2).nullable(),
    at: t.timestamp(),
    constructor: t.string().nullable(),
  },
  time: 'at',
  id: 'order_id',
  timeZone: 'Europe/Paris',
})

test('cells are in the order of the columns, whatever that of the members', () => {
  const { json } = eventDecoder(orders)
  const line = '{"at":"2026-07-05T10:00:00","x":{"y":1},"total":"12.50","user_id":9007199254740993,"order_id":"a"}'
  assert.deepEqual(json(line), ['a', 9007199254740993n, 1250, Date.UTC(2026, 6, 5, 8) * 1000, null])
})

test('what is invalid is told by column, reason and value', () => {
  const { json, fields } = eventDecoder(orders)
  const told = (found: ReturnType<typeof json>) => (isInvalid(found) ? formatInvalid(found) : 'valid')
  const event = { order_id: 'a', user_id: 1, at: '2026-07-05T10:00:00' }
  const changed = (change: object) => told(json(JSON.stringify({ ...event, ...change })))
  assert.equal(changed({}), 'valid')
  assert.equal(changed({ order_id: null }), 'order_id is missing')
  assert.equal(changed({ user_id: 1.5 }), 'user_id is not a whole number: "1.5"')
  assert.equal(changed({ user_id: 'seven' }), 'user_id is not a whole number: "seven"')
  assert.equal(changed({ total: 2.505 }), 'total has more than 2 digits behind the point: "2.505"')
  assert.equal(
    changed({ at: { a: 'x'.repeat(100) } }),
    `at is not an ISO 8601 date or time: ${JSON.stringify(`{"a":"${'x'.repeat(51)}...`)}`,
  )
  assert.equal(told(json('[1]')), 'the record is not a JSON object: "[1]"')
  assert.equal(told(json('')), 'the record is not a JSON object: ""')
  assert.equal(told(fields({ ...event, user_id: 2n ** 63n })), 'user_id is beyond 63 bits: "9223372036854775808"')
  assert.equal(told(fields({ ...event, at: new Uint8Array(2) })), 'at is not an ISO 8601 date or time: "{\\"0\\":0,\\"1\\":0}"')
})
