import type { ExpressionNode, FeatureGroupData } from '../definition/index.ts'

/**
 * What a column is to a feature: part of its value, a condition that events must meet, the key that events are grouped by, or the time
 * by which they are ordered and fall into windows.
 */
export type ColumnUse = 'value' | 'condition' | 'key' | 'time'

/** The columns of its source that an expression reads, each with what it is read for first, in that order. */
export function columnsOf(node: ExpressionNode): ReadonlyMap<string, 'value' | 'condition'> {
  const found = new Map<string, 'value' | 'condition'>()
  const visit = (part: ExpressionNode, use: 'value' | 'condition'): void => {
    switch (part.node) {
      case 'column':
        if (use === 'value' || !found.has(part.name)) found.set(part.name, use)
        return
      case 'call':
        part.arguments.forEach((argument, index) => {
          visit(argument, part.function === 'case' && index === 0 ? 'condition' : use)
        })
        return
      case 'aggregate':
        for (const input of part.inputs) visit(input, use)
        if (part.filter) visit(part.filter, 'condition')
        if (part.window.kind === 'since') visit(part.window.condition, 'condition')
        return
      case 'asOf':
      case 'literal':
        return
    }
  }
  visit(node, 'value')
  return found
}

/** All columns that a feature of a group depends on: those of its expression, the columns of the key, and the time. */
export function columnsOfFeature(group: FeatureGroupData, feature: string): ReadonlyMap<string, ColumnUse> {
  const found = new Map<string, ColumnUse>(columnsOf(group.features[feature] as ExpressionNode))
  for (const column of Object.values(group.keys)) if (!found.has(column)) found.set(column, 'key')
  if (!found.has(group.source.time)) found.set(group.source.time, 'time')
  return found
}
