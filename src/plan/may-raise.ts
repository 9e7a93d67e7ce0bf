import type { ExpressionNode } from '../definition/index.ts'
import { needsScaling } from './operand.ts'

/** Whether evaluating the expression can throw `NUMBER_OUT_OF_RANGE` for some values of what it reads. */
export function mayRaise(node: ExpressionNode): boolean {
  if (node.node !== 'call') return false
  if (node.arguments.some(mayRaise)) return true
  const { type } = node
  const [first] = node.arguments
  switch (node.function) {
    case 'add':
    case 'subtract':
    case 'multiply':
      return type.kind !== 'float'
    case 'negate':
    case 'absolute':
      return type.kind === 'int64'
    case 'floor':
      return first?.type.kind === 'float'
    case 'coalesce':
      return node.arguments.some((branch) => needsScaling(branch.type, type))
    case 'case':
      return node.arguments.slice(1).some((branch) => needsScaling(branch.type, type))
    default:
      return false
  }
}
