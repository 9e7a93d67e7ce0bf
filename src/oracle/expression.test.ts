import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { arbitraryCell } from '../../test/support/arbitrary-cell.ts'
import { arbitraryCall, columnTypes } from '../../test/support/arbitrary-expression.ts'
import { answers, outOfRange } from '../../test/support/expression-answers.ts'
import { call, type ExpressionNode } from '../definition/expression.ts'
import { functionNames } from '../definition/functions.ts'
import { LockstepError } from '../errors.ts'
import { compileExpression } from '../plan/evaluate-expression.ts'
import type { Cell } from '../schema/index.ts'
import { interpret } from './expression.ts'

function outcomeOf(evaluate: () => Cell): Cell | typeof outOfRange {
  try {
    return evaluate()
  } catch (error) {
    if (error instanceof LockstepError && error.code === 'NUMBER_OUT_OF_RANGE') return outOfRange
    throw error
  }
}

const interpreted = (node: ExpressionNode, row: Readonly<Record<string, Cell>>) =>
  outcomeOf(() => interpret(node, { row, asOf: 0, aggregate: () => null }))
const compiled = (node: ExpressionNode, row: Readonly<Record<string, Cell>>) =>
  outcomeOf(() => compileExpression(node, (leaf) => () => (leaf.node === 'column' ? (row[leaf.name] ?? null) : null))(0))

for (const name of functionNames) {
  test(`${name}: the oracle gives the known answers`, () => {
    for (const [values, expected] of answers[name]) {
      const { node } = call(
        name,
        values.map(([type, value]) => ({ node: 'literal', value, type })),
      )
      assert.deepEqual(interpreted(node, {}), expected, values.map(([{ kind }, value]) => `${kind} ${String(value)}`).join(', '))
    }
  })

  test(`${name}: the oracle and the evaluator agree on random expressions`, () => {
    const row = fc.record(Object.fromEntries(Object.entries(columnTypes).map(([column, type]) => [column, arbitraryCell(type)])))
    fc.assert(
      fc.property(arbitraryCall(name), fc.array(row, { minLength: 1, maxLength: 8 }), (node, rows) => {
        for (const cells of rows) assert.deepEqual(compiled(node, cells), interpreted(node, cells))
      }),
      { numRuns: 200 },
    )
  })
}
