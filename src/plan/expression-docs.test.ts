import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { answers, outOfRange } from '../../test/support/expression-answers.ts'
import { call, type ExpressionNode } from '../definition/expression.ts'
import { functionNames } from '../definition/functions.ts'
import { expressionSql } from './expression-sql.ts'

const page = readFileSync(new URL('../../docs/reference/expressions.md', import.meta.url), 'utf8')
const rows = [...page.matchAll(/^\| `(\w+)` \|(.*)\|$/gm)].map(([, name = '', rest = '']) => {
  const [written = '', , , raises = '', pushed = ''] = rest.split('|').map((cell) => cell.trim())
  return { name, written, raises: raises.split(' ')[0], pushed: pushed.split(':')[0] }
})

test('docs/reference/expressions.md lists every function, in order', () => {
  assert.deepEqual(
    rows.map(({ name }) => name),
    [...functionNames],
  )
  const source = readFileSync(new URL('../definition/expression.ts', import.meta.url), 'utf8')
  for (const { written } of rows) {
    const [, method = ''] = /(\w+)\(/.exec(written) ?? []
    assert.match(source, new RegExp(`^ {2}${method}(<.*>)?\\(|^export function ${method}<`, 'm'), written)
  }
})

test('what it says of errors and of the scan holds for the known answers', () => {
  for (const { name, raises, pushed } of rows) {
    const known = answers[name as (typeof functionNames)[number]]
    assert.equal(
      raises === '`NUMBER_OUT_OF_RANGE`',
      known.some(([, expected]) => expected === outOfRange),
      `${name} raises`,
    )
    const lowered = known.map(([values]) => {
      const nodes = values.map(([type], index): ExpressionNode => ({ node: 'column', name: `c${index}`, type }))
      return expressionSql(call(name as (typeof functionNames)[number], nodes).node, (column) => column) !== null
    })
    assert.equal(pushed, lowered.every(Boolean) ? 'yes' : lowered.some(Boolean) ? 'partly' : 'no', `${name} is pushed`)
  }
})
