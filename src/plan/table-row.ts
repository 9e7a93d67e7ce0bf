import type { Cell } from '../schema/index.ts'
import { compileExpression } from './evaluate-expression.ts'
import type { TableGroupPlan } from './group-plan.ts'

/**
 * The features of a table group over one row at a moment: `evaluateRow(plan, cell)` gives, by feature, a function of the
 * row's place and of the moment; `cell(column)` reads a column of the row, null of a row that is missing (place below 0).
 */
export function evaluateRow(
  plan: TableGroupPlan,
  cell: (column: string) => (row: number) => Cell,
): readonly ((row: number, moment: number) => Cell)[] {
  let asOf = 0
  return plan.features.map(({ node }) => {
    const compute = compileExpression(node, (leaf) => {
      if (leaf.node === 'asOf') return () => asOf
      if (leaf.node === 'aggregate') throw new TypeError('an aggregate of a table')
      const read = cell(leaf.name)
      return (row) => (row < 0 ? null : read(row))
    })
    return (row, moment) => {
      asOf = moment
      return compute(row)
    }
  })
}
