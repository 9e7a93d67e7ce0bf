import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { aggregateFunctions } from '../../src/aggregation/index.ts'
import type { ExpressionNode } from '../../src/definition/index.ts'
import { LockstepError } from '../../src/errors.ts'
import { toCell } from '../../src/schema/index.ts'
import { type OracleAnswer, oracleValues } from '../../src/testing/index.ts'
import { publicRows, randomCase } from './random-case.ts'

const cases = fc.sample(randomCase(), { numRuns: 500, seed: 1 })

test('the cases reach every aggregate, window, kind of value, status and rule', () => {
  const seen = new Set<string>()
  const visit = (node: ExpressionNode): void => {
    if (node.node === 'call') node.arguments.forEach(visit)
    if (node.node === 'column') seen.add(`kind ${node.type.kind}`)
    if (node.node !== 'aggregate') return
    const { window } = node
    seen.add(`aggregate ${node.function}`)
    seen.add(
      `window ${window.kind}${window.kind === 'tumbling' ? ` ${window.part}` : ''}${window.kind === 'sliding' && window.resolution > 0 ? ' with resolution' : ''}`,
    )
    seen.add(window.delay > 0 ? 'delay' : 'no delay')
    seen.add(node.filter ? 'filter' : 'no filter')
    node.inputs.forEach(visit)
    if (node.filter) visit(node.filter)
  }
  for (const { group, rows, asKnown, keys } of cases) {
    const { source } = group
    Object.values(group.features).forEach(visit)
    seen.add(`${source.kind}${asKnown && source.known !== null ? ' as known' : ''}`)
    seen.add(`refresh ${group.refresh.kind}`)
    seen.add(`key of ${Object.keys(group.keys).length}`)
    seen.add(`time of ${source.columns[source.time]?.kind}`)
    if (source.kind === 'events') seen.add(`id of ${source.id.length}`)
    if (source.kind === 'table') seen.add(`order of ${source.order.length}`)
    if (group.ttl !== null) seen.add('ttl')
    if (rows.length === 0) seen.add('no rows')
    if (new Set(rows.map((row) => row[source.time])).size < rows.length / 2) seen.add('ties')
    if (rows.length > 10 && keys.length < 4) seen.add('long histories')
  }
  for (const kind of [...new Set(cases.flatMap(({ group }) => Object.values(group.source.columns).map((type) => type.kind)))])
    seen.add(`column of ${kind}`)
  const kinds = ['string', 'boolean', 'integer', 'int64', 'float', 'decimal', 'timestamp', 'date', 'oneOf', 'list', 'vector', 'struct']
  const windows = ['lifetime', 'sliding', 'sliding with resolution', 'tumbling current', 'tumbling last', 'session', 'since']
  const expected = [
    ...Object.keys(aggregateFunctions).map((name) => `aggregate ${name}`),
    ...windows.map((name) => `window ${name}`),
    ...kinds.flatMap((kind) => [`kind ${kind}`, `column of ${kind}`]),
    ...[
      'delay',
      'no delay',
      'filter',
      'no filter',
      'refresh live',
      'refresh scheduled',
      'events',
      'events as known',
      'table',
      'table as known',
    ],
    ...[
      'key of 1',
      'key of 2',
      'id of 0',
      'id of 1',
      'id of 2',
      'order of 0',
      'order of 1',
      'order of 2',
      'ttl',
      'no rows',
      'ties',
      'long histories',
    ],
    ...['time of timestamp', 'time of date'],
  ]
  assert.deepEqual(
    expected.filter((one) => !seen.has(one)),
    [],
  )
})

test('the oracle answers every case, and the answers differ', () => {
  const statuses: Record<string, number> = {}
  let values = 0
  let telling = 0
  for (const { group, rows, keys, moments, asKnown } of cases) {
    for (const key of keys) {
      const answers = moments.map((moment) => attempt(() => oracleValues(group, rows, key, moment, { asKnown })))
      for (const answer of answers) {
        const status = typeof answer === 'string' ? answer : answer.status
        statuses[status] = (statuses[status] ?? 0) + 1
        if (typeof answer === 'string') continue
        for (const value of Object.values(answer.values)) {
          values++
          if (!isEmpty(value)) telling++
        }
      }
    }
  }
  assert.deepEqual(Object.keys(statuses).sort(), ['NOT_FOUND', 'NUMBER_OUT_OF_RANGE', 'PRESENT', 'STALE'])
  assert.ok((statuses.PRESENT as number) > 1000, JSON.stringify(statuses))
  assert.ok(telling > values / 4, `${telling} of ${values}`)
})

test('the public rows are the rows', () => {
  for (const one of cases) {
    const { columns } = one.group.source
    const again = publicRows(one).map((row) =>
      Object.fromEntries(Object.entries(columns).map(([name, type]) => [name, toCell(type, row[name], name)])),
    )
    assert.deepEqual(
      again,
      one.rows.map((row) => ({ ...row })),
    )
  }
})

const isEmpty = (value: unknown) =>
  value === null || value === 0 || value === 0n || value === '{}' || (Array.isArray(value) && value.length === 0)

function attempt(ask: () => OracleAnswer): OracleAnswer | string {
  try {
    return ask()
  } catch (error) {
    if (error instanceof LockstepError) return error.code
    throw error
  }
}
