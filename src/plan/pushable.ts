import type { CallNode, ExpressionNode } from '../definition/index.ts'
import { conjuncts } from './evaluate-expression.ts'
import { expressionSql } from './expression-sql.ts'
import { mayRaise } from './may-raise.ts'

/** A filter in two parts: `sql` for the scan and `rest` for `compileFilter`, null where nothing is left for one of them. */
export interface SplitFilter {
  readonly sql: string | null
  readonly rest: ExpressionNode | null
}

/**
 * Splits a filter so that the scan and `compileFilter` of the rest keep the rows that `compileFilter` of the whole keeps,
 * and raise where it raises: what stands behind a part that may raise stays behind it.
 */
export function pushable(filter: ExpressionNode, column: (name: string) => string): SplitFilter {
  const pushed: string[] = []
  const rest: ExpressionNode[] = []
  let raised = false
  for (const part of conjuncts(filter)) {
    raised ||= mayRaise(part)
    const sql = raised ? null : expressionSql(part, column)
    if (sql === null) rest.push(part)
    else pushed.push(sql)
  }
  return { sql: pushed.length > 0 ? pushed.join(' AND ') : null, rest: rest.length > 0 ? rest.reduce(both) : null }
}

function both(left: ExpressionNode, right: ExpressionNode): CallNode {
  return {
    node: 'call',
    function: 'and',
    arguments: [left, right],
    type: { kind: 'boolean', nullable: left.type.nullable || right.type.nullable },
  }
}
