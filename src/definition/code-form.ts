import type { AnyNode, Expression, Property, PropertyDefinition } from 'acorn'
import { isBound, isNode, membersOf, type Scope, scopeInside } from './code-scope.ts'

/** What stands for the names that code uses without binding them itself. */
export interface FreeNames {
  name(name: string): unknown
  /** For `name.property`, where that is known to be more exact; undefined otherwise. */
  member(name: string, property: string): unknown
}

/** Free names as they are written. */
export const namesAsWritten: FreeNames = { name: (name) => name, member: () => undefined }

/** Positions and ways of writing. */
const withoutMeaning = new Set(['start', 'end', 'directive', 'shorthand'])

/**
 * Code as data that JSON can hold: without positions, comments and ways of writing the same (quotes, shorthand,
 * separators of digits, `a['b']`). Names bound in the code stay as they are; `free` stands for the others.
 * Members that are absent, false or empty are left out, so that a parser that knows more of them changes nothing.
 */
export function codeForm(node: AnyNode, free: FreeNames, around: Scope = null): unknown {
  const scope = scopeInside(node, around)
  const form = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.filter((member) => !isNode(member) || member.type !== 'EmptyStatement').map(form)
    return isNode(value) ? codeForm(value, free, scope) : value
  }
  switch (node.type) {
    case 'Identifier':
      return isBound(scope, node.name) ? node.name : free.name(node.name)
    case 'Literal':
      if (node.regex) return { regex: [node.regex.pattern, node.regex.flags] }
      return { literal: [typeof node.value, String(node.value)] }
    case 'TemplateElement':
      return { text: node.value.cooked ?? null }
    case 'TaggedTemplateExpression':
      return { tag: form(node.tag), raw: node.quasi.quasis.map(({ value }) => value.raw), expressions: form(node.quasi.expressions) }
    case 'MetaProperty':
      return { meta: [node.meta.name, node.property.name] }
    case 'LabeledStatement':
      return { label: node.label.name, body: form(node.body) }
    case 'BreakStatement':
    case 'ContinueStatement':
      return { type: node.type, label: node.label?.name ?? null }
    case 'MemberExpression': {
      const property = staticName(node)
      const { object } = node
      const exact =
        property !== null && object.type === 'Identifier' && !isBound(scope, object.name) ? free.member(object.name, property) : undefined
      return (
        exact ?? { member: [form(object), property ?? { computed: form(node.property) }], ...(node.optional ? { optional: true } : {}) }
      )
    }
    case 'FunctionDeclaration': // the place tells it from an expression
      return { ...members(node, form, around, free), type: 'FunctionExpression' }
    default:
      return members(node, form, around, free)
  }
}

/** The members of a node by name. The name of a declaration belongs to the scope around it. */
function members(node: AnyNode, form: (value: unknown) => unknown, around: Scope, free: FreeNames): Record<string, unknown> {
  const result: Record<string, unknown> = {}
  for (const [name, value] of membersOf(node)) {
    if (withoutMeaning.has(name)) continue
    const isKey = name === 'key' && !(node as Property).computed && isNode(value) && value.type !== 'PrivateIdentifier'
    const isOwnName = name === 'id' && node.type === 'FunctionDeclaration' && isNode(value)
    const part = isKey ? keyName(value as Expression) : isOwnName ? codeForm(value, free, around) : form(value)
    if (part === null || part === undefined || part === false || (Array.isArray(part) && part.length === 0)) continue
    result[name] = part
  }
  return result
}

const keyName = (key: Property['key'] | PropertyDefinition['key']) =>
  key.type === 'Identifier' ? key.name : String((key as { value?: unknown }).value)

function staticName({ computed, property }: { computed: boolean; property: AnyNode }): string | null {
  if (!computed) return property.type === 'Identifier' ? property.name : null
  return property.type === 'Literal' && typeof property.value === 'string' ? property.value : null
}
