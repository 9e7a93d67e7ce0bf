import type { AnyNode } from 'acorn'

/** The names that are bound around a place in the code, innermost first; null at the top level of a module. */
export type Scope = { readonly names: ReadonlySet<string>; readonly outer: Scope } | null

export const isBound = (scope: Scope, name: string): boolean => scope !== null && (scope.names.has(name) || isBound(scope.outer, name))

export const isNode = (value: unknown): value is AnyNode =>
  typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string'

export const membersOf = (node: AnyNode): [name: string, value: unknown][] => Object.entries(node)

export const childrenOf = (node: AnyNode): AnyNode[] =>
  membersOf(node)
    .flatMap(([, value]) => value)
    .filter(isNode)

export type FunctionNode = Extract<AnyNode, { type: 'FunctionDeclaration' | 'FunctionExpression' | 'ArrowFunctionExpression' }>

export const isFunction = (node: AnyNode): node is FunctionNode =>
  node.type === 'FunctionDeclaration' || node.type === 'FunctionExpression' || node.type === 'ArrowFunctionExpression'

/** The scope inside `node`: that around it, with the names that it binds itself. */
export function scopeInside(node: AnyNode, outer: Scope): Scope {
  const names = namesBoundBy(node)
  return names.length === 0 ? outer : { names: new Set(names), outer }
}

function namesBoundBy(node: AnyNode): readonly string[] {
  switch (node.type) {
    case 'FunctionExpression':
      return [...(node.id ? [node.id.name] : []), ...node.params.flatMap(namesOfPattern), ...hoisted(node.body)]
    case 'FunctionDeclaration':
    case 'ArrowFunctionExpression':
      return [...node.params.flatMap(namesOfPattern), ...hoisted(node.body)]
    case 'ClassExpression':
      return node.id ? [node.id.name] : []
    case 'StaticBlock':
      return [...lexical(node.body), ...node.body.flatMap(hoisted)]
    case 'BlockStatement':
      return lexical(node.body)
    case 'ForStatement':
      return node.init ? lexical([node.init]) : []
    case 'ForInStatement':
    case 'ForOfStatement':
      return lexical([node.left])
    case 'SwitchStatement':
      return node.cases.flatMap((branch) => lexical(branch.consequent))
    case 'CatchClause':
      return node.param ? namesOfPattern(node.param) : []
    default:
      return []
  }
}

const lexical = (statements: readonly AnyNode[]): string[] =>
  statements.flatMap((node) => (node.type === 'VariableDeclaration' && node.kind === 'var' ? [] : namesDeclaredBy(node)))

/** The names that a declaration introduces around itself; none for other statements. */
export function namesDeclaredBy(node: AnyNode): string[] {
  if (node.type === 'VariableDeclaration') return node.declarations.flatMap(({ id }) => namesOfPattern(id))
  return (node.type === 'FunctionDeclaration' || node.type === 'ClassDeclaration') && node.id ? [node.id.name] : []
}

/** The names of `var` statements, which belong to the whole function. */
function hoisted(node: AnyNode): string[] {
  if (isFunction(node)) return []
  return [
    ...(node.type === 'VariableDeclaration' && node.kind === 'var' ? namesDeclaredBy(node) : []),
    ...childrenOf(node).flatMap(hoisted),
  ]
}

export function namesOfPattern(pattern: AnyNode | null): string[] {
  switch (pattern?.type) {
    case 'Identifier':
      return [pattern.name]
    case 'ObjectPattern':
      return pattern.properties.flatMap((property) => namesOfPattern(property.type === 'Property' ? property.value : property))
    case 'ArrayPattern':
      return pattern.elements.flatMap(namesOfPattern)
    case 'AssignmentPattern':
      return namesOfPattern(pattern.left)
    case 'RestElement':
      return namesOfPattern(pattern.argument)
    default:
      return []
  }
}
