import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { aggregateFunctions } from './functions.ts'

const page = readFileSync(new URL('../../docs/reference/aggregates.md', import.meta.url), 'utf8')

/** The rows of each table, cell by cell. */
const tables = page
  .split(/^\| --- .*$/m)
  .slice(1)
  .map((table) =>
    [...table.matchAll(/^\| `(\w+)` \|(.*)\|$/gm)].map(([, name, rest]) =>
      [name as string, ...(rest as string).split('|')].map((cell) => cell.trim()),
    ),
  )

const acceptable: Readonly<Record<string, number>> = { n: 1, limit: 1, k: 1, precision: 4, percentile: 0, error: 0.1, halfLife: 1 }

test('the reference lists every aggregate function, its parameters, and whether it removes', () => {
  const [takes = [], costs = []] = tables
  const names = Object.keys(aggregateFunctions).sort()
  assert.deepEqual(takes.map(([name]) => name).sort(), names)
  assert.deepEqual(
    costs.map(([name]) => name),
    takes.map(([name]) => name),
  )
  for (const [index, [name = '', , , , documented = '']] of takes.entries()) {
    const parameters = Object.fromEntries(
      [...documented.matchAll(/`(\w+)`:/g)].map(([, parameter]) => [parameter as string, acceptable[parameter as string] as number]),
    )
    const description = aggregateFunctions[name]
    assert.ok(description)
    const kind = name === 'rate' ? 'boolean' : 'float'
    const inputs = (
      [
        { kind, nullable: false },
        { kind: 'float', nullable: false },
      ] as const
    ).slice(0, description.inputs)
    description.result(inputs, parameters)
    assert.equal(costs[index]?.at(-1), description.create(inputs, parameters).remove ? 'yes' : 'no', name)
  }
})

test('every call of create gives an algebra of its own', () => {
  const inputs = [{ kind: 'int64', nullable: false }] as const
  for (const name of ['count', 'sum', 'average', 'maximum'])
    assert.notEqual(aggregateFunctions[name]?.create(inputs, {}), aggregateFunctions[name]?.create(inputs, {}))
})
