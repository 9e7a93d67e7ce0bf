import type { TypeData } from '../schema/index.ts'

/** A JSON Schema (draft 2020-12, of which OpenAPI 3.1 is a superset), as far as it is used here. */
export interface JsonSchema {
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | JsonSchema
  readonly items?: JsonSchema
  readonly prefixItems?: readonly JsonSchema[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly default?: unknown
  readonly examples?: readonly unknown[]
  readonly format?: string
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly maxProperties?: number
  readonly uniqueItems?: boolean
  readonly oneOf?: readonly JsonSchema[]
}

/** The schema of an object of which the named members must be there, and no others may. */
export const objectOf = (properties: Readonly<Record<string, JsonSchema>>, required: readonly string[] = []): JsonSchema => ({
  type: 'object',
  properties,
  ...(required.length > 0 ? { required } : {}),
  additionalProperties: false,
})

export const listOf = (items: JsonSchema, maxItems: number, minItems = 0): JsonSchema => ({ type: 'array', items, minItems, maxItems })

/** How values of a type stand in JSON: exact ones as texts. */
export function valueSchema(type: TypeData): JsonSchema {
  const plain = plainSchema(type)
  if (!type.nullable) return plain
  return { ...plain, type: [plain.type as string, 'null'].flat(), ...(plain.enum ? { enum: [...plain.enum, null] } : {}) }
}

function plainSchema(type: TypeData): JsonSchema {
  switch (type.kind) {
    case 'string':
      return { type: 'string' }
    case 'oneOf':
      return { type: 'string', enum: type.values ?? [] }
    case 'boolean':
      return { type: 'boolean' }
    case 'integer':
      return { type: 'integer' }
    case 'int64':
      return { type: ['string', 'integer'], description: 'A whole number of 64 bits, as text where it is beyond 2^53.' }
    case 'float':
      return { type: 'number' }
    case 'decimal':
      return { type: ['string', 'number'], description: `An exact decimal with ${type.scale} digits behind the point, as text.` }
    case 'timestamp':
      return { type: 'string', description: 'ISO 8601, to the microsecond.' }
    case 'date':
      return { type: 'string', description: 'YYYY-MM-DD' }
    case 'list':
      return { type: 'array', items: valueSchema(type.element as TypeData) }
    case 'vector':
      return { type: 'array', items: { type: 'number' }, minItems: type.length ?? 0, maxItems: type.length ?? 0 }
    case 'struct':
      return { type: 'object' }
  }
}
