import type { JsonSchema } from '../../src/server/json-schema.ts'

/** A whole number from 0 to below. */
export type Random = (below: number) => number

export interface Operation {
  readonly operationId: string
  readonly parameters: readonly {
    readonly name: string
    readonly in: 'path' | 'query'
    readonly required?: boolean
    readonly schema: JsonSchema
  }[]
  readonly requestBody?: { readonly content: { readonly 'application/json': { readonly schema: JsonSchema } } }
  readonly responses: Readonly<Record<string, { readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>> }>>
}

export interface FuzzedRequest {
  readonly method: string
  readonly path: string
  readonly body: string | undefined
  readonly headers: Readonly<Record<string, string>>
  /** Whether path, query and body are of the form that the document describes. */
  readonly valid: boolean
}

/** What is there, by the name of a field or of an operation and a field: without it next to no request would come past the first check. */
export type Dictionary = Readonly<Record<string, readonly unknown[]>>

/** Makes requests of an operation from its description, right ones and broken ones. */
export class FuzzRequests {
  readonly #random: Random
  readonly #all: Dictionary
  #known: Dictionary

  constructor(random: Random, known: Dictionary) {
    this.#random = random
    this.#all = known
    this.#known = known
  }

  make(method: string, path: string, { operationId, parameters, requestBody }: Operation): FuzzedRequest {
    const own = Object.entries(this.#all).filter(([name]) => name.startsWith(`${operationId}.`))
    this.#known = { ...this.#all, ...Object.fromEntries(own.map(([name, values]) => [name.slice(operationId.length + 1), values])) }
    const breaks = this.#random(2) === 0
    const inQuery = parameters.filter((each) => each.in === 'query' && (each.required || this.#random(2) === 0))
    const query = inQuery.map(({ name, schema }) => {
      const value = breaks && this.#random(3) === 0 ? this.#anything(1) : this.#value(schema, name, 1)
      return `${encodeURIComponent(name)}=${encodeURIComponent((typeof value === 'string' ? value : JSON.stringify(value)).toWellFormed())}`
    })
    const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(this.#text(name, breaks)) || '-')
    const schema = requestBody?.content['application/json'].schema
    const body = schema && this.#body(schema, breaks)
    const accept = this.#random(10) === 0 ? { accept: 'application/vnd.apache.arrow.stream' } : {}
    const types =
      breaks && this.#random(10) === 0 ? ['text/plain', 'application/xml', ''] : ['application/json', 'application/json; charset=utf-8']
    return {
      method: method.toUpperCase(),
      path: filled + (query.length > 0 ? `?${query.join('&')}` : ''),
      body,
      headers: { ...accept, ...(body === undefined ? {} : { 'content-type': this.#of(types) }) },
      valid: !breaks,
    }
  }

  #of<T>(all: readonly T[]): T {
    return all[this.#random(all.length)] as T
  }

  #text(name: string, breaks: boolean): string {
    const known = this.#known[name]
    return known && !(breaks && this.#random(3) === 0) ? String(this.#of(known)) : this.#string(1, 30).toWellFormed()
  }

  #body(schema: JsonSchema, breaks: boolean): string {
    const value = this.#value(schema, 'body', 0)
    if (!breaks) return JSON.stringify(value)
    const text = JSON.stringify(this.#random(6) === 0 ? this.#anything(0) : this.#broken(value)) ?? ''
    return this.#random(8) === 0 ? this.#damaged(text) : text
  }

  /** A value of a schema. Now and then what is known by the name of the field, whatever its form. */
  #value(schema: JsonSchema, name: string, depth: number): unknown {
    const known = this.#known[name]
    if (known && this.#random(30) > 0) return this.#of(known)
    if (schema.enum) return this.#of(schema.enum)
    if (schema.oneOf) return this.#value(this.#of(schema.oneOf), name, depth)
    switch (typeof schema.type === 'string' || schema.type === undefined ? schema.type : this.#of(schema.type)) {
      case 'object':
        return this.#object(schema, depth)
      case 'array': {
        const { minItems = 0, maxItems = 100, items = {} } = schema
        const length = Math.min(maxItems, minItems + (this.#random(40) === 0 ? this.#random(60) : this.#random(4)))
        const all = Array.from({ length }, () => this.#value(items, name, depth + 1))
        return schema.uniqueItems ? [...new Set(all)] : all
      }
      case 'string':
        return this.#string(schema.minLength ?? 0, Math.min(schema.maxLength ?? 60, 60))
      case 'integer':
        return (schema.minimum ?? 0) + this.#of([0, 1, 2, this.#random(1000)])
      case 'number':
        return (schema.minimum ?? -1) + this.#of([0, 1, 0.5, this.#random(1_000_000) / 7])
      case 'boolean':
        return this.#random(2) === 0
      case 'null':
        return null
      default:
        return this.#anything(depth)
    }
  }

  #object({ properties, required = [], additionalProperties, maxProperties = 20 }: JsonSchema, depth: number): object {
    const members = Object.entries(properties ?? {})
      .filter(([name]) => required.includes(name) || this.#random(4) === 0 || (this.#known[name] && this.#random(3) > 0))
      .map(([name, schema]) => [name, this.#value(schema, name, depth + 1)])
    const isOpen = additionalProperties !== false && (properties === undefined || this.#random(8) === 0)
    const more = isOpen ? this.#random(Math.min(4, maxProperties)) : 0
    const others = Array.from({ length: more }, () => {
      const name = this.#random(6) > 0 ? this.#of(Object.keys(this.#known)) : this.#string(0, 12)
      return [name, this.#value(typeof additionalProperties === 'object' ? additionalProperties : {}, name, depth + 1)]
    })
    return Object.fromEntries([...members, ...others])
  }

  /** A value with something in it replaced, removed or added. */
  #broken(value: unknown): unknown {
    if (value === null || typeof value !== 'object' || this.#random(6) === 0) return this.#anything(1)
    const keys = Object.keys(value)
    if (Array.isArray(value)) {
      if (value.length === 0 || this.#random(4) === 0) return [...value, this.#anything(1)]
      const at = this.#random(value.length)
      return value.map((one, index) => (index === at ? this.#broken(one) : one))
    }
    if (keys.length === 0 || this.#random(4) === 0) return { ...value, [this.#string(0, 12)]: this.#anything(1) }
    const key = this.#of(keys)
    const { [key]: member, ...rest } = value as Record<string, unknown>
    return this.#random(4) === 0 ? rest : { ...rest, [key]: this.#broken(member) }
  }

  /** Text in which a few characters are lost, doubled or swapped. */
  #damaged(text: string): string {
    const at = this.#random(text.length + 1)
    return this.#of([
      text.slice(0, at),
      text + text.slice(at),
      `${text.slice(0, at)}\u0000${text.slice(at)}`,
      `${text},`,
      text.replaceAll('"', "'"),
    ])
  }

  #anything(depth: number): unknown {
    const kind = this.#random(depth > 3 ? 7 : 10)
    if (kind < 2) return this.#of(Object.values(this.#known).flat())
    if (kind === 2) return this.#of(numbers)
    if (kind === 3) return this.#random(2) === 0
    if (kind === 4) return null
    if (kind < 7) return this.#string(0, 20)
    if (kind === 7)
      return this.#of(['__proto__', 'constructor', 'toString', 'hasOwnProperty'].map((name) => JSON.parse(`{"${name}":{"a":1}}`)))
    if (kind === 8) return Array.from({ length: this.#random(4) }, () => this.#anything(depth + 1))
    return Object.fromEntries(Array.from({ length: this.#random(4) }, () => [this.#string(0, 8), this.#anything(depth + 1)]))
  }

  #string(least: number, most: number): string {
    const length = least + this.#random(most - least + 1)
    const text = Array.from({ length }, () => this.#of(characters)).join('')
    return this.#random(4) === 0 ? this.#of(strings).slice(0, most).padEnd(least, 'x') : text
  }
}

const characters = [...'abcXYZ019_-.:@ /\\"\'{}[]%&?#<>äß日🙂\u0000\u001f\u007f\u2028\ud800']
const numbers = [0, -1, 1, 1.5, 1e21, -1e308, 5e-324, 2 ** 53, -(2 ** 63), 2 ** 31, 4294967296]
const strings = [
  '',
  '0',
  '-1',
  'NaN',
  '-Infinity',
  'null',
  'true',
  '99999999999999999999',
  '2026-03-01T12:00:00Z',
  '0000-00-00T00:00:00Z',
  '+275760-09-13T00:00:00Z',
  '2026-13-45',
  '1h',
  '-5m',
  '9e99d',
  '../../../etc/passwd',
  '%2e%2e%2f',
  '__proto__',
  'constructor',
  "'; DROP TABLE clicks; --",
  'ranking:v2',
  'ranking@v2:item_price',
  ':',
  '@',
  'a'.repeat(60),
]
