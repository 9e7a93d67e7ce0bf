import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { csv, events, type FileHistory, type History, ndjson, parquet, rows, type SourceData, table } from '../definition/index.ts'
import type { LockstepError } from '../errors.ts'
import { type Cell, fromCell, type TypeData, t } from '../schema/index.ts'
import { type Batch, cellAt } from './batch.ts'
import { Duck } from './duckdb.ts'
import { transportSql } from './physical.ts'
import { prepareScan, type ScanOptions } from './scan.ts'
import { quoteIdentifier, quoteLiteral } from './sql.ts'

const folder = mkdtempSync(join(tmpdir(), 'lockstep-test-'))
const duck = await Duck.open({ threads: 2, temporaryFolder: folder })
after(async () => {
  await duck.close()
  rmSync(folder, { recursive: true })
})
const file = (name: string) => join(folder, name)

async function publicRows(sql: string, columns: Readonly<Record<string, TypeData>>): Promise<Record<string, unknown>[]> {
  const entries = Object.entries(columns)
  const selected = entries.map(([name, type]) => transportSql(type, quoteIdentifier(name))).join(', ')
  const found: Record<string, unknown>[] = []
  for await (const batch of duck.stream(
    `SELECT ${selected} FROM (${sql}) ORDER BY ALL`,
    entries.map(([, type]) => type),
  )) {
    for (let row = 0; row < batch.count; row++) found.push(publicRow(batch, entries, row))
  }
  return found
}

const publicRow = (batch: Batch, entries: readonly (readonly [string, TypeData])[], row: number): Record<string, unknown> =>
  Object.fromEntries(
    entries.map(([name, type], index) => [
      name,
      fromCell(type, cellAt(type, batch.columns[index] as Batch['columns'][number], row) as Cell),
    ]),
  )

async function scanned(source: SourceData, options: ScanOptions = {}): Promise<Record<string, unknown>[]> {
  const scan = await prepareScan(duck, source, options)
  const known = { __known: t.timestamp().nullable().data, __superseded: t.timestamp().nullable().data }
  try {
    return await publicRows(scan.sql, { ...source.columns, ...(options.versions === 'all' ? known : {}) })
  } finally {
    await scan.close()
  }
}

const refuses =
  (code: string, ...texts: (string | RegExp)[]) =>
  (error: LockstepError) => {
    assert.equal(error.code, code, error.stack)
    for (const text of texts)
      assert.match(error.message, typeof text === 'string' ? new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')) : text)
    return true
  }

const orderColumns = { order_id: t.string(), user_id: t.integer(), total: t.decimal(12, 2).nullable(), at: t.timestamp() }
const orders = (history: History, more: Partial<Parameters<typeof events<typeof orderColumns>>[1]> = {}) =>
  events('orders', { columns: orderColumns, time: 'at', history, ...more })

const two = [
  { order_id: 'a', user_id: 1, total: '12.50', at: '2026-01-05T10:00:00Z' },
  { order_id: 'b', user_id: 2, total: null, at: '2026-01-05T10:00:00.000001Z' },
]

describe('prepareScan', () => {
  it('reads the same rows from every format', async () => {
    writeFileSync(file('two.csv'), 'order_id,user_id,total,at\na,1,12.50,2026-01-05T10:00:00Z\nb,2,,2026-01-05 12:00:00.000001+02\n')
    writeFileSync(
      file('semicolons.csv'),
      '\ufeffat;"user_id";order_id;total\r\n2026-01-05 10:00; 1 ;a;12.5\r\n2026-01-05T10:00:00.000001;2;b;-\r\n',
    )
    writeFileSync(file('bare.csv'), 'a|1|12.50|2026-01-05\n')
    writeFileSync(
      file('two.csv.gz'),
      gzipSync('order_id,user_id,total,at\na,1,12.50,2026-01-05T10:00:00Z\nb,2,,2026-01-05 12:00:00.000001+02\n'),
    )
    writeFileSync(
      file('two.ndjson'),
      '{"order_id":"a","user_id":1,"total":12.50,"at":"2026-01-05T10:00:00Z","more":[1]}\n\n{"user_id":2,"order_id":"b","at":"2026-01-05T12:00:00.000001+0200"}',
    )
    writeFileSync(file('two.ndjson.zst'), zstdCompressSync(readFileSync(file('two.ndjson'))))
    await duck.run(`COPY (SELECT 'a' AS order_id, 1 AS user_id, 12.5 AS total, TIMESTAMP '2026-01-05 10:00:00' AS "at"
      UNION ALL SELECT 'b', 2, NULL, TIMESTAMP '2026-01-05 10:00:00.000001') TO ${quoteLiteral(file('two.parquet'))}`)
    const histories = [
      rows(two),
      csv(file('two.csv')),
      csv(file('semicolons.csv'), { nullText: '-' }),
      csv(file('two.csv.gz')),
      ndjson(file('two.ndjson.zst')),
      ndjson(file('two.ndjson')),
      parquet(file('two.parquet')),
      parquet([file('two.par*')]),
    ]
    for (const history of histories) assert.deepEqual(await scanned(orders(history)), two, JSON.stringify(history))
    assert.deepEqual(await scanned(orders(csv(file('bare.csv'), { header: false }))), [{ ...two[0], at: '2026-01-05T00:00:00Z' }])
    assert.deepEqual(await scanned(orders(rows([])), { history: csv(file('two.csv')) }), two)
  })

  it('maps columns, unites files of different columns and takes partitions of the path as texts', async () => {
    mkdirSync(file('parts/shop=007'), { recursive: true })
    mkdirSync(file('parts/shop=x y'), { recursive: true })
    await duck.run(`COPY (SELECT 1 AS "Id", TIMESTAMP '2026-01-05' AS "When", 2.5 AS "Price") TO ${quoteLiteral(file('parts/shop=007/1.parquet'))};
      COPY (SELECT TIMESTAMP '2026-01-06' AS "When", 2 AS "Id") TO ${quoteLiteral(file('parts/shop=x y/1.parquet'))}`)
    writeFileSync(file('parts/shop=007/1.csv'), 'Id,When,Price\n1,2026-01-05,2.5\n')
    writeFileSync(file('parts/shop=x y/1.csv'), 'When,Id\n2026-01-06,2\n')
    const columns = { id: t.integer(), at: t.timestamp(), price: t.float().nullable(), shop: t.string() }
    for (const [kind, format] of [
      ['parquet', parquet],
      ['csv', csv],
    ] as const) {
      const history = format(file(`parts/*/*.${kind}`), { columns: { id: 'Id', at: 'When', price: 'Price' } })
      assert.deepEqual(await scanned(events('parts', { columns, time: 'at', history })), [
        { id: 1, at: '2026-01-05T00:00:00Z', price: 2.5, shop: '007' },
        { id: 2, at: '2026-01-06T00:00:00Z', price: null, shop: 'x y' },
      ])
    }
  })

  it('takes a file name literally, even if it looks like a glob', async () => {
    await duck.run(
      `COPY (SELECT 'a' AS order_id, 1 AS user_id, 1 AS total, TIMESTAMP '2026-01-05' AS "at") TO ${quoteLiteral(file('odd[1].parquet'))}`,
    )
    assert.equal((await scanned(orders(parquet(file('odd*.parquet'))))).length, 1)
  })

  it('says what is missing', async () => {
    writeFileSync(file('misnamed.csv'), 'order_id,user_id,totl,at\na,1,2,2026-01-05\n')
    writeFileSync(file('misnamed.ndjson'), '{"order_id":"a","user_id":1,"totl":2,"at":"2026-01-05"}\n')
    await duck.run(
      `COPY (SELECT 'a' AS order_id, 1 AS user_id, 2 AS totl, TIMESTAMP '2026-01-05' AS "at") TO ${quoteLiteral(file('misnamed.parquet'))}`,
    )
    for (const history of [csv(file('misnamed.csv')), ndjson(file('misnamed.ndjson')), parquet(file('misnamed.parquet'))]) {
      await assert.rejects(prepareScan(duck, orders(history)), refuses('SOURCE_SCHEMA', 'total', 'did you mean totl?', 'source orders'))
    }
    await assert.rejects(prepareScan(duck, orders(parquet(file('none-*.parquet')))), refuses('SOURCE_NOT_FOUND', 'none-*.parquet'))
    await assert.rejects(prepareScan(duck, orders(parquet('https://example.invalid/x.parquet'))), refuses('SOURCE_NOT_FOUND', 'address'))
    await assert.rejects(prepareScan(duck, orders(parquet(file('misnamed.csv')))), refuses('SOURCE_SCHEMA', 'Parquet'))
    await assert.rejects(
      prepareScan(duck, events('bare', { columns: orderColumns, time: 'at' })),
      refuses('SOURCE_NOT_FOUND', 'no history'),
    )
    await assert.rejects(prepareScan(duck, orders(csv(file('misnamed.csv'), { columns: { totall: 'totl' } }))), refuses('SOURCE_SCHEMA'))
    const boolean = events('orders', { columns: { ...orderColumns, user_id: t.boolean(), total: t.timestamp() }, time: 'at' })
    await assert.rejects(
      prepareScan(duck, boolean, { history: parquet(file('two.parquet')) }),
      refuses('SOURCE_SCHEMA', 'total', 'timestamp', 'DECIMAL'),
    )
    await assert.rejects(prepareScan(duck, orders(rows(two), { timeZone: 'Mars/Olympus' })), refuses('INVALID_DEFINITION', 'Mars/Olympus'))
  })

  it('refuses text that is not UTF-8, naming file and line', async () => {
    const latin = (name: string, text: string) => writeFileSync(file(name), Buffer.from(text, 'latin1'))
    latin('latin.csv', 'order_id,user_id,total,at\nm\xfcller,1,2,2026-01-05\n')
    latin('latin.ndjson', '{"order_id":"a","user_id":1,"total":2,"at":"2026-01-05"}\n{"order_id":"m\xfcller"}\n')
    for (const history of [csv(file('latin.csv')), ndjson(file('latin.ndjson'))])
      await assert.rejects(
        prepareScan(duck, orders(history)),
        refuses('SOURCE_SCHEMA', history.path as string, 'line 2', 'UTF-8', 'source orders'),
      )
  })

  it('refuses invalid rows, naming file, row, column and value', async () => {
    writeFileSync(
      file('bad.csv'),
      'order_id,user_id,total,at\na,1,12.50,2026-01-05\nb,two,1,2026-01-05\nc,3,1.234,2026-01-05\nd,4,1,yesterday\n',
    )
    const scan = await prepareScan(duck, orders(csv(file('bad.csv'))))
    await assert.rejects(
      duck.rows(`SELECT count(*) FROM (${scan.sql})`),
      refuses(
        'ROW_REFUSED',
        '3 of 4 rows',
        'user_id is not a whole number, 1 row, first in',
        'bad.csv row 2: "two"',
        'row 3: "1.234"',
        'at is not an ISO 8601',
        'source orders',
      ),
    )
    await assert.rejects(async () => {
      for await (const _batch of duck.stream(`SELECT 1::DOUBLE FROM (${scan.sql})`, [t.integer().data]));
    }, refuses('ROW_REFUSED'))
    const withId = orders(csv(file('bad.csv')), { id: 'order_id' })
    await assert.rejects(prepareScan(duck, withId), refuses('ROW_REFUSED', '3 of 4 rows'))
  })

  it('sets invalid rows aside and reports them', async () => {
    await duck.run(`COPY (SELECT * FROM (VALUES ('a', 1.0, 1.5::DOUBLE, TIMESTAMP '2026-01-05'), (NULL, 2, 2, TIMESTAMP '2026-01-05'),
      ('c', 2.5, 3, TIMESTAMP '2026-01-05'), ('d', 4, 'nan', NULL), (NULL, 9007199254740992, 0.1::DOUBLE + 0.2, TIMESTAMP '1500-01-01')) v(order_id, user_id, total, "at"))
      TO ${quoteLiteral(file('bad.parquet'))}`)
    const source = orders(parquet(file('bad.parquet')), { invalidRows: 'setAside' })
    assert.deepEqual(await scanned(source), [{ order_id: 'a', user_id: 1, total: '1.50', at: '2026-01-05T00:00:00Z' }])
    const scan = await prepareScan(duck, source)
    const at = (row: number, value: string | null) => ({ file: file('bad.parquet'), row, value })
    assert.deepEqual(await scan.report(), {
      source: 'orders',
      rows: 5,
      setAside: 4,
      problems: [
        { column: 'order_id', reason: 'is missing', count: 2, examples: [at(2, null), at(5, null)] },
        { column: 'at', reason: 'is missing', count: 1, examples: [at(4, null)] },
        { column: 'at', reason: 'is outside the years 1684 to 2255', count: 1, examples: [at(5, '1500-01-01 00:00:00')] },
        { column: 'total', reason: 'is not finite', count: 1, examples: [at(4, 'nan')] },
        { column: 'user_id', reason: 'is beyond 2^53 - 1', count: 1, examples: [at(5, '9007199254740992.0')] },
        { column: 'user_id', reason: 'is not a whole number', count: 1, examples: [at(3, '2.5')] },
      ],
    })
  })

  it('counts lines that are no rows', async () => {
    writeFileSync(
      file('ragged.csv'),
      'order_id,user_id,total,at\na,1,12.50,2026-01-05\nb,2,1\nc,3,1,2026-01-05,x\n"d,\ne",4,1,2026-01-05\nf,5,1,2026-01-05\n',
    )
    writeFileSync(
      file('ragged.ndjson'),
      '{"order_id":"a","user_id":1,"total":null,"at":"2026-01-05"}\n{"order_id":\n[1]\n{"order_id":"b","user_id":2,"at":"2026-01-05"}\n',
    )
    const ids = async (history: FileHistory) =>
      (await scanned(orders(history, { invalidRows: 'setAside' }))).map(({ order_id }) => order_id)
    assert.deepEqual(await ids(csv(file('ragged.csv'))), ['a', 'd,\ne', 'f'])
    assert.deepEqual(await ids(ndjson(file('ragged.ndjson'))), ['a', 'b'])
    const problems = async (history: FileHistory) => {
      const scan = await prepareScan(duck, orders(history, { invalidRows: 'setAside' }))
      const { rows: all, setAside, problems: found } = await scan.report()
      return [
        all,
        setAside,
        ...found.map(({ column, reason, examples }) => `${column}${reason}: ${examples.map(({ row }) => row).join(', ')}`),
      ]
    }
    assert.deepEqual(await problems(csv(file('ragged.csv'))), [
      5,
      2,
      'is a line with missing columns: 2',
      'is a line with too many columns: 3',
    ])
    assert.deepEqual(await problems(ndjson(file('ragged.ndjson'))), [4, 2, 'is a line that is not a JSON object: 2, 3'])
    for (const history of [csv(file('ragged.csv')), ndjson(file('ragged.ndjson'))]) {
      const scan = await prepareScan(duck, orders(history))
      await assert.rejects(duck.rows(`SELECT count(*) FROM (${scan.sql})`), refuses('ROW_REFUSED', 'a row is a line', 'row 2'))
    }
  })

  it('reports rows in memory with what is wrong in them', async () => {
    const bad = [
      two[0],
      { ...two[1], user_id: 1.5 },
      { order_id: 'c', total: null, at: '2026-01-05' },
      { ...two[1], at: 'soon' },
    ] as Record<string, unknown>[]
    const source = orders(rows(bad), { invalidRows: 'setAside' })
    assert.deepEqual(await scanned(source), [two[0]])
    const report = await (await prepareScan(duck, source)).report()
    assert.deepEqual([report.rows, report.setAside], [4, 3])
    assert.deepEqual(
      report.problems.map(({ column, reason, examples }) => [column, reason, examples[0]?.row]),
      [
        ['', 'at: The moment "soon" is not an ISO 8601 date or time', 4],
        ['', 'user_id: 1.5 is not a whole number within 2^53', 2],
        ['user_id', 'is missing', 3],
      ],
    )
    const scan = await prepareScan(duck, orders(rows(bad)))
    await assert.rejects(duck.rows(scan.sql), refuses('ROW_REFUSED', '3 of 4', 'rows in memory row 4'))
  })

  it('checks every declared column, whichever are read', async () => {
    const source = orders(parquet(file('bad.parquet')), { invalidRows: 'setAside' })
    const scan = await prepareScan(duck, source)
    for (const column of ['order_id', 'user_id', '"at"'])
      assert.deepEqual(await duck.rows(`SELECT count(${column}) AS n FROM (${scan.sql})`), [{ n: 1n }])
    assert.deepEqual(await duck.rows(`SELECT count(*) AS n FROM (${scan.sql})`), [{ n: 1n }])
  })

  it('reads no columns and no rows of a Parquet file that the query does not need', async () => {
    await duck.run(`COPY (SELECT 'u' || i AS order_id, i AS user_id, (i / 2)::DECIMAL(12, 2) AS total, TIMESTAMP '2026-01-05' + to_seconds(i) AS "at" FROM range(50000) r(i))
      TO ${quoteLiteral(file('wide.parquet'))} (ROW_GROUP_SIZE 10000)`)
    for (const invalidRows of ['refuse', 'setAside'] as const) {
      const scan = await prepareScan(duck, orders(parquet(file('wide.parquet')), { invalidRows }))
      const [plan] = await duck.rows(
        `EXPLAIN SELECT user_id FROM (${scan.sql}) WHERE "at" >= TIMESTAMP '2026-01-05 13:00:00' AND user_id < 49000`,
      )
      const text = String(plan?.explain_value).replace(/[│\s]+/g, ' ')
      assert.match(text, /Filters:[^┘]*at>='2026-01-05 13:00:00'/)
      assert.doesNotMatch(text, /order_id/, 'a column that its statistics prove valid is not read')
    }
  })

  it('closes what it opened', async () => {
    const before = readdirSync(duck.folder)
    const scan = await prepareScan(duck, orders(csv(file('two.csv')), { id: 'order_id' }))
    assert.equal(readdirSync(duck.folder).length, before.length + 1)
    await scan.close()
    assert.deepEqual(readdirSync(duck.folder), before)
    await assert.rejects(prepareScan(duck, orders(csv(file('misnamed.csv')))))
    assert.deepEqual(readdirSync(duck.folder), before)
  })
})

describe('times of a scan', () => {
  const moments = { id: t.integer(), at: t.timestamp() }
  const of = (history: History, timeZone?: string) =>
    events('moments', { columns: moments, time: 'at', history, invalidRows: 'setAside', ...(timeZone ? { timeZone } : {}) })
  const ats = async (source: SourceData) => (await scanned(source)).map(({ at }) => at)

  it('compares zones, no zones and mixed zones as instants', async () => {
    const texts = [
      '2026-07-01T10:00:00Z',
      '2026-07-01 10:00:00',
      '2026-07-01T12:00:00+02:00',
      '2026-07-01 05:30-0430',
      '2026-07-01T10:00:00.000000z',
      '2026-07-01 10+00',
      '2026-07-01T10:00+00',
      '2026-07-01T23:59:59.999999-14',
    ]
    writeFileSync(file('zones.csv'), `id,at\n${texts.map((text, index) => `${index},${text}\n`).join('')}`)
    const utc = '2026-07-01T10:00:00Z'
    assert.deepEqual(await ats(of(csv(file('zones.csv')))), [utc, utc, utc, utc, utc, utc, '2026-07-02T13:59:59.999999Z'])
    const london = '2026-07-01T09:00:00Z'
    assert.deepEqual(await ats(of(csv(file('zones.csv')), 'Europe/London')), [
      utc,
      london,
      utc,
      utc,
      utc,
      utc,
      '2026-07-02T13:59:59.999999Z',
    ])
    await duck.run(`COPY (SELECT 1 AS id, TIMESTAMPTZ '2026-07-01 12:00:00+02' AS "at") TO ${quoteLiteral(file('instant.parquet'))}`)
    assert.deepEqual(await ats(of(parquet(file('instant.parquet')), 'Europe/London')), [utc])
  })

  it('reads local times as rows in memory and as files alike, also where clocks change', async () => {
    const locals = [
      '1850-03-01 00:00:00',
      '2021-01-05 10:00:00',
      '2021-03-14 02:30:00',
      '2021-03-28 01:30:00',
      '2021-06-05 10:00:00',
      '2021-10-31 01:30:00',
      '2021-10-31 00:59:59.999999',
      '2021-11-07 01:30:00',
      '2021-04-04 01:59:00',
      '2021-10-03 02:15:00',
      '2011-12-30 12:00:00',
    ]
    const cells = locals.map((at, id) => ({ id, at }))
    writeFileSync(file('locals.csv'), `id,at\n${cells.map(({ id, at }) => `${id},${at}\n`).join('')}`)
    await duck.run(
      `COPY (SELECT id, "at"::TIMESTAMP AS "at" FROM ${quoteLiteral(file('locals.csv'))}) TO ${quoteLiteral(file('locals.parquet'))}`,
    )
    for (const zone of ['Europe/London', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata', 'Pacific/Apia']) {
      const expected = await ats(of(parquet(file('locals.parquet')), zone))
      assert.deepEqual(await ats(of(rows(cells), zone)), expected, zone)
      assert.deepEqual(await ats(of(csv(file('locals.csv')), zone)), expected, zone)
    }
    assert.deepEqual((await ats(of(rows(cells), 'Europe/London')))[5], '2021-10-31T01:30:00Z')
  })

  it('converts every precision of Parquet exactly, nanoseconds downwards', async () => {
    await duck.run(`COPY (SELECT 1 AS id, TIMESTAMP_S '1969-12-31 23:59:59' AS "at") TO ${quoteLiteral(file('p1.parquet'))};
      COPY (SELECT 2 AS id, TIMESTAMP_MS '2026-01-05 10:00:00.123' AS "at") TO ${quoteLiteral(file('p2.parquet'))};
      COPY (SELECT 3 AS id, TIMESTAMP_NS '2026-01-05 10:00:00.123456789' AS "at" UNION ALL SELECT 4, TIMESTAMP_NS '1960-01-01 00:00:00.000000999') TO ${quoteLiteral(file('p3.parquet'))};
      COPY (SELECT 5 AS id, DATE '2026-01-05' AS "at") TO ${quoteLiteral(file('p4.parquet'))}`)
    // DuckDB writes no nanoseconds with a zone; the flag that says so is one byte of the footer.
    const bytes = readFileSync(file('p3.parquet'))
    const flag = bytes.indexOf(Buffer.from('8c121c3c000000', 'hex')) + 1
    assert.ok(flag > 0)
    writeFileSync(file('p5.parquet'), bytes.fill(0x11, flag, flag + 1))
    const read = async (name: string) => await ats(of(parquet(file(name))))
    assert.deepEqual(await read('p1.parquet'), ['1969-12-31T23:59:59Z'])
    assert.deepEqual(await read('p2.parquet'), ['2026-01-05T10:00:00.123Z'])
    assert.deepEqual(await read('p3.parquet'), ['2026-01-05T10:00:00.123456Z', '1960-01-01T00:00:00Z'])
    assert.equal((await ats(of(parquet(file('p5.parquet')), 'Asia/Kolkata')))[0], '2026-01-05T10:00:00.123456Z')
    assert.deepEqual(await read('p4.parquet'), ['2026-01-05T00:00:00Z'])
  })

  it('sets aside texts that are no moments and moments that microseconds cannot hold', async () => {
    const texts = [
      '',
      '2026-02-30',
      '2026-01-05 24:00',
      '2026-01-05 10:00:60',
      '2026-01-05 10:00:00.1234567',
      '2026-01-05 10:00 Europe/London',
      '1684-07-28 00:12:25',
      '2255-06-05 23:47:35',
      '05.01.2026',
      '1767600000',
    ]
    writeFileSync(
      file('nomoments.csv'),
      `id,at\n${texts.map((text, index) => `${index},${text}\n`).join('')}10,1684-07-28 00:12:25.259009\n11,2255-06-05 23:47:34.740991\n12,2026-01-05 10:00:00.123456000\n`,
    )
    const found = await scanned(of(csv(file('nomoments.csv'))))
    assert.deepEqual(
      found.map(({ id }) => id),
      [10, 11, 12],
    )
    const report = await (await prepareScan(duck, of(csv(file('nomoments.csv'))))).report()
    assert.deepEqual(
      report.problems.map(({ reason, count }) => [reason, count]),
      [
        ['is not an ISO 8601 date or time', 7],
        ['is outside the years 1684 to 2255', 2],
        ['is missing', 1],
      ],
    )
  })
})

describe('values of a scan', () => {
  /** What each text of a CSV field, or value of a Parquet column, becomes as a type; undefined where it is set aside. */
  async function fromTexts(type: TypeData, texts: readonly string[]): Promise<unknown[]> {
    writeFileSync(
      file('values.csv'),
      `id,at,value\n${texts.map((text, index) => `${index},2026-01-05,"${text.replaceAll('"', '""')}"\n`).join('')}`,
    )
    return await valuesOf(type, csv(file('values.csv')), texts.length)
  }
  async function fromSql(type: TypeData, sqlType: string, literals: readonly string[]): Promise<unknown[]> {
    const union = literals
      .map((literal, index) => `SELECT ${index} AS id, DATE '2026-01-05' AS "at", CAST(${literal} AS ${sqlType}) AS value`)
      .join(' UNION ALL ')
    await duck.run(`COPY (${union}) TO ${quoteLiteral(file('values.parquet'))}`)
    return await valuesOf(type, parquet(file('values.parquet')), literals.length)
  }
  async function valuesOf(type: TypeData, history: History, count: number): Promise<unknown[]> {
    const source = {
      ...events('values', { columns: { id: t.integer(), at: t.date() }, time: 'at', history, invalidRows: 'setAside' }),
    } as SourceData
    const found = await scanned({ ...source, columns: { ...source.columns, value: type } })
    return Array.from({ length: count }, (_, index) => found.find(({ id }) => id === index)?.value)
  }

  it('are exact integers or refused', async () => {
    assert.deepEqual(
      await fromTexts(t.integer().data, [
        '5',
        ' -7 ',
        '+3',
        '2.0',
        '2.5',
        '1e3',
        '0x1F',
        '1_000',
        '',
        'x',
        '9007199254740991',
        '9007199254740992',
        '-9007199254740992',
        '99999999999999999999',
      ]),
      [5, -7, 3, 2, undefined, undefined, undefined, undefined, undefined, undefined, 9007199254740991, undefined, undefined, undefined],
    )
    assert.deepEqual(await fromSql(t.integer().data, 'DOUBLE', ['5', '2.5', "'nan'", '9007199254740992', "'inf'", '-0.0']), [
      5,
      undefined,
      undefined,
      undefined,
      undefined,
      0,
    ])
    assert.deepEqual(await fromSql(t.integer().data, 'BIGINT', ['9007199254740991', '-9007199254740992']), [9007199254740991, undefined])
    assert.deepEqual(await fromSql(t.integer().data, 'HUGEINT', ['5', '9007199254740992']), [5, undefined])
    assert.deepEqual(await fromSql(t.integer().data, 'DECIMAL(5,1)', ['5.0', '5.5']), [5, undefined])
    assert.deepEqual(await fromSql(t.integer().data, 'UTINYINT', ['255']), [255])
    assert.deepEqual(await fromTexts(t.int64().data, ['9223372036854775807', '-9223372036854775808', '9223372036854775808']), [
      2n ** 63n - 1n,
      -(2n ** 63n),
      undefined,
    ])
    assert.deepEqual(await fromSql(t.int64().data, 'UBIGINT', ['5', '18446744073709551615']), [5n, undefined])
    assert.deepEqual(await fromTexts(t.integer().nullable().range(-1, 1).data, ['', '-1', '1', '2']), [null, -1, 1, undefined])
  })

  it('are finite floats unless NaN is allowed', async () => {
    const texts = ['0.1', '-0', '1e300', 'nan', 'inf', '1e999', '1_0', 'x']
    assert.deepEqual(await fromTexts(t.float().data, texts), [0.1, 0, 1e300, undefined, undefined, undefined, undefined, undefined])
    assert.deepEqual(await fromTexts(t.float().allowNaN().data, texts), [
      0.1,
      0,
      1e300,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
      undefined,
      undefined,
    ])
    assert.deepEqual(await fromSql(t.float().data, 'FLOAT', ['0.5', "'nan'"]), [0.5, undefined])
    assert.deepEqual(await fromSql(t.float().data, 'DECIMAL(9,2)', ['0.1']), [0.1])
    assert.deepEqual(await fromSql(t.float().range(0, 5).data, 'DOUBLE', ['0', '5', '5.0000001']), [0, 5, undefined])
  })

  it('are decimals of the declared digits', async () => {
    assert.deepEqual(
      await fromSql(t.decimal(12, 3).data, 'DOUBLE', [
        '2.55',
        '0.1::DOUBLE + 0.2::DOUBLE',
        '2.5555',
        '123456789.123',
        '1e9',
        '-0.001',
        '0.0004',
        "'nan'",
      ]),
      ['2.550', '0.300', undefined, '123456789.123', undefined, '-0.001', undefined, undefined],
    )
    assert.deepEqual(await fromSql(t.decimal(12, 2).data, 'FLOAT', ['2.55', '2.555']), ['2.55', undefined])
    assert.deepEqual(await fromSql(t.decimal(15, 2).data, 'DOUBLE', ['9999999999999.99', '10000000000000']), [
      '9999999999999.99',
      undefined,
    ])
    assert.deepEqual(await fromSql(t.decimal(4, 2).data, 'DECIMAL(10,3)', ['1.500', '1.505', '99.990', '100.000']), [
      '1.50',
      undefined,
      '99.99',
      undefined,
    ])
    assert.deepEqual(await fromSql(t.decimal(4, 2).data, 'INTEGER', ['99', '100']), ['99.00', undefined])
    assert.deepEqual(await fromTexts(t.decimal(4, 2).data, ['1.5', '1.500', '1.505', '99.99', '100', '1e1', '-0', '.5', '']), [
      '1.50',
      '1.50',
      undefined,
      '99.99',
      undefined,
      undefined,
      '0.00',
      undefined,
      undefined,
    ])
    assert.deepEqual(await fromTexts(t.decimal(5, 2).range('0.50', '99.99').data, ['0.49', '0.50', '99.99', '100.00']), [
      undefined,
      '0.50',
      '99.99',
      undefined,
    ])
  })

  it('are texts, booleans, dates and members of their set', async () => {
    assert.deepEqual(await fromTexts(t.string().data, ['', 'é', 'a"b', ' x ']), ['', 'é', 'a"b', ' x '])
    assert.deepEqual(await fromSql(t.string().data, 'INTEGER', ['17850']), ['17850'])
    assert.deepEqual(await fromTexts(t.oneOf('a', "b'c").nullable().data, ['a', "b'c", 'A', '']), ['a', "b'c", undefined, undefined])
    assert.deepEqual(await fromTexts(t.boolean().data, ['true', 'False', '1', '0', '2', '']), [
      true,
      false,
      true,
      false,
      undefined,
      undefined,
    ])
    assert.deepEqual(await fromSql(t.boolean().data, 'INTEGER', ['1', '0', '2']), [true, false, undefined])
    assert.deepEqual(await fromTexts(t.date().data, ['2026-02-28', '2026-02-29', '2026-1-5', '2026-01-05T00:00']), [
      '2026-02-28',
      undefined,
      undefined,
      undefined,
    ])
    assert.deepEqual(await fromSql(t.date().data, 'TIMESTAMP', ["'2026-01-05'", "'2026-01-05 00:00:01'"]), ['2026-01-05', undefined])
    assert.deepEqual(await fromSql(t.date().range('2026-01-01', '2026-12-31').data, 'DATE', ["'2025-12-31'", "'2026-01-01'"]), [
      undefined,
      '2026-01-01',
    ])
  })

  it('are lists, vectors and structs', async () => {
    assert.deepEqual(await fromTexts(t.list(t.string()).nullable().data, ['["a","b"]', '[]', '["a",null]', '{"a":1}', 'a', '']), [
      ['a', 'b'],
      [],
      undefined,
      undefined,
      undefined,
      null,
    ])
    assert.deepEqual(await fromTexts(t.list(t.list(t.integer().nullable())).data, ['[[1,2],[null]]', '[[1.5]]']), [
      [[1, 2], [null]],
      undefined,
    ])
    assert.deepEqual(await fromSql(t.list(t.decimal(6, 2)).data, 'DOUBLE[]', ['[1.5, 2.25]', '[1.555]', '[]']), [
      ['1.50', '2.25'],
      undefined,
      [],
    ])
    assert.deepEqual(await fromSql(t.list(t.timestamp()).data, 'TIMESTAMP[]', ["['2026-01-05 10:00:00']"]), [['2026-01-05T10:00:00Z']])
    assert.deepEqual(await fromTexts(t.vector(2).data, ['[1,2.5]', '[1]', '[1,2,3]', '[1,null]', '[1,1e300]', '["a",1]']), [
      Float32Array.of(1, 2.5),
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
    ])
    assert.deepEqual(await fromSql(t.vector(2).data, 'DOUBLE[]', ['[0.5, 1]', "[0.5, 'nan'::DOUBLE]", '[1]']), [
      Float32Array.of(0.5, 1),
      undefined,
      undefined,
    ])
    assert.deepEqual(await fromSql(t.vector(2).data, 'FLOAT[2]', ['[0.5, -0.0]']), [Float32Array.of(0.5, 0)])
    assert.deepEqual(await fromTexts(t.struct().data, ['{"b":1,"a":{"d":2,"c":[]}}', '[1]', '5', '{']), [
      { a: { c: [], d: 2 }, b: 1 },
      undefined,
      undefined,
      undefined,
    ])
    assert.deepEqual(await fromSql(t.struct().data, 'STRUCT(b INTEGER, a VARCHAR)', ["{'b': 1, 'a': 'x'}"]), [{ b: 1, a: 'x' }])
  })
})

describe('versions of an event', () => {
  const versioned = (history: readonly Record<string, unknown>[], known: boolean) =>
    events('rated', {
      columns: { id: t.integer(), rating: t.integer().nullable(), name: t.string(), at: t.timestamp(), known: t.timestamp().nullable() },
      time: 'at',
      id: 'id',
      history: rows(history),
      ...(known ? { known: 'known' as const } : {}),
    })
  const at = '2026-01-05T00:00:00Z'
  const day = (number: number) => `2026-01-0${number}T00:00:00Z`
  const row = (id: number, rating: number | null, known: string | null, name = 'x') => ({ id, rating, name, at, known })

  it('are one event: the newest known counts, null being the oldest', async () => {
    const history = [row(1, 5, day(6)), row(2, 1, null), row(1, 2, day(7)), row(2, 9, null), row(3, 4, day(1)), row(3, 8, null)]
    assert.deepEqual(
      (await scanned(versioned(history, true))).map(({ id, rating }) => [id, rating]),
      [
        [1, 2],
        [2, 9],
        [3, 4],
      ],
    )
  })

  it('known at the same time are decided by content, column by column in order of names', async () => {
    const history = [
      row(1, 9, day(6), 'a'),
      row(1, 1, day(6), 'b'),
      row(2, null, day(6)),
      row(2, 0, day(6)),
      row(3, 7, day(6), '\u{1F600}'),
      row(3, 7, day(6), '\uFF5E'),
    ]
    for (const shuffled of [history, [...history].reverse()]) {
      assert.deepEqual(
        (await scanned(versioned(shuffled, true))).map(({ id, rating, name }) => [id, rating, name]),
        [
          [1, 1, 'b'],
          [2, 0, 'x'],
          [3, 7, '\uFF5E'],
        ],
      )
      assert.deepEqual(
        (await scanned(versioned(shuffled, false))).map(({ id, name }) => [id, name]),
        [
          [1, 'b'],
          [2, 'x'],
          [3, '\uFF5E'],
        ],
      )
    }
  })

  it('all have the time from which and until which they counted', async () => {
    const history = [
      row(1, 5, day(6)),
      row(1, 2, day(8)),
      row(1, 7, day(7)),
      row(2, 1, null),
      row(2, 3, day(5)),
      row(3, 1, day(5)),
      row(4, 1, day(3)),
      row(4, 2, day(3)),
    ]
    assert.deepEqual(
      (await scanned(versioned(history, true), { versions: 'all' })).map((found) => [
        found.id,
        found.rating,
        found.__known,
        found.__superseded,
      ]),
      [
        [1, 2, day(8), null],
        [1, 5, day(6), day(7)],
        [1, 7, day(7), day(8)],
        [2, 1, null, day(5)],
        [2, 3, day(5), null],
        [3, 1, day(5), null],
        [4, 2, day(3), null],
      ],
    )
    assert.deepEqual(
      (await scanned(versioned([row(1, 5, day(6)), row(2, 5, null)], true), { versions: 'all' })).map((found) => [
        found.__known,
        found.__superseded,
      ]),
      [
        [day(6), null],
        [null, null],
      ],
    )
  })

  it('are told apart by all columns of a composite id, and by nothing where there is none', async () => {
    const columns = { a: t.string(), b: t.integer(), at: t.timestamp() }
    const history = rows([
      { a: 'x', b: 1, at },
      { a: 'x', b: 2, at },
      { a: 'x', b: 1, at: day(6) },
      { a: 'x', b: 2, at },
    ])
    assert.deepEqual(await scanned(events('pairs', { columns, time: 'at', id: ['a', 'b'], history })), [
      { a: 'x', b: 1, at: day(6) },
      { a: 'x', b: 2, at },
    ])
    assert.equal((await scanned(events('pairs', { columns, time: 'at', history }))).length, 4)
    assert.equal((await scanned(table('pairs', { columns, time: 'at', history }))).length, 4)
  })

  it('of a table are its rows, known from their creation', async () => {
    const source = table('prices', {
      columns: { item: t.string(), at: t.timestamp(), created: t.date().nullable() },
      time: 'at',
      created: 'created',
      history: rows([
        { item: 'a', at, created: '2026-01-06' },
        { item: 'a', at, created: null },
      ]),
    })
    assert.deepEqual(
      (await scanned(source, { versions: 'all' })).map((found) => [found.created, found.__known, found.__superseded]),
      [
        ['2026-01-06', day(6), null],
        [null, null, null],
      ],
    )
  })

  it('without an id value are no events', async () => {
    const columns = { id: t.string().nullable(), at: t.timestamp() }
    const source = events('nameless', {
      columns,
      time: 'at',
      id: 'id',
      invalidRows: 'setAside',
      history: rows([
        { id: null, at },
        { id: 'a', at },
      ]),
    })
    assert.deepEqual(await scanned(source), [{ id: 'a', at }])
    assert.deepEqual(
      (await (await prepareScan(duck, source)).report()).problems.map(({ column, reason }) => [column, reason]),
      [['id', 'is missing']],
    )
  })
})

describe('online_retail.parquet', () => {
  const path = join('..', 'shared', 'data', 'online_retail.parquet')
  const absent = existsSync(path) ? false : `${path} is not here`

  it('is read whole, with its prices as decimals and its local times', { skip: absent }, async () => {
    const source = events('order_lines', {
      columns: {
        row_no: t.integer(),
        invoice: t.string(),
        stock: t.string(),
        description: t.string().nullable(),
        quantity: t.integer(),
        at: t.timestamp(),
        price: t.decimal(12, 3),
        customer: t.integer().nullable(),
        country: t.string(),
      },
      time: 'at',
      id: 'row_no',
      timeZone: 'Europe/London',
      history: parquet(path, {
        columns: {
          invoice: 'InvoiceNo',
          stock: 'StockCode',
          description: 'Description',
          quantity: 'Quantity',
          at: 'InvoiceDate',
          price: 'UnitPrice',
          customer: 'CustomerID',
          country: 'Country',
        },
      }),
    })
    const scan = await prepareScan(duck, source)
    assert.deepEqual(
      await duck.rows(`SELECT count(*) AS n, count(*) - count(customer) AS anonymous, count(*) - count(description) AS nameless, min(quantity) AS low,
      max(quantity) AS high, count(*) FILTER (WHERE price = 0) AS free, count(*) FILTER (WHERE price < 0) AS negative, count(DISTINCT stock) AS codes,
      count(DISTINCT invoice) AS invoices, min("at") AS first, max("at") AS last FROM (${scan.sql})`),
      [
        {
          n: 541909n,
          anonymous: 135080n,
          nameless: 1454n,
          low: -80995n,
          high: 80995n,
          free: 2515n,
          negative: 2n,
          codes: 4070n,
          invoices: 25900n,
          first: new Date('2010-12-01T08:26:00Z'),
          last: new Date('2011-12-09T12:50:00Z'),
        },
      ],
    )
    assert.deepEqual(await scan.report(), { source: 'order_lines', rows: 541909, setAside: 0, problems: [] })
  })
})
