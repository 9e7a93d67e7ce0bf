import { LockstepError } from '../errors.ts'
import type { Kind, TypeData } from '../schema/index.ts'
import type { AggregateParameters } from './aggregate.ts'

/** Kinds that can be summed. */
export const numericKinds: readonly Kind[] = ['integer', 'int64', 'float', 'decimal']
/** Kinds whose values can be told apart and ordered; lists, vectors and structs cannot. */
export const scalarKinds: readonly Kind[] = [...numericKinds, 'string', 'oneOf', 'boolean', 'timestamp', 'date']
export const allKinds: readonly Kind[] = [...scalarKinds, 'list', 'vector', 'struct']

/** The type of the values of the one column that a function takes. Throws `INVALID_DEFINITION` where it cannot take it. */
export function oneInput(owner: string, inputs: readonly TypeData[], kinds: readonly Kind[]): TypeData {
  checkInputs(owner, inputs, kinds)
  return valueType(inputs[0] as TypeData)
}

/** The type of what reaches `add`: never null. */
export const valueType = (type: TypeData): TypeData => ({ ...type, nullable: false })

/** Throws `INVALID_DEFINITION` unless there is one column for each list of kinds, of one of them. */
export function checkInputs(owner: string, inputs: readonly TypeData[], ...kinds: readonly (readonly Kind[])[]): void {
  if (inputs.length !== kinds.length) {
    throw new LockstepError('INVALID_DEFINITION', `${owner} takes ${columns(kinds.length)}, not ${inputs.length}`)
  }
  for (const [index, allowed] of kinds.entries()) {
    const { kind } = inputs[index] as TypeData
    if (!allowed.includes(kind)) {
      throw new LockstepError('INVALID_DEFINITION', `${owner} cannot take a column of kind ${kind}; it takes ${allowed.join(', ')}`)
    }
  }
}

const columns = (count: number) => (count === 1 ? 'one column' : `${count === 0 ? 'no' : count} columns`)

/** A parameter of an aggregate: a number within bounds, both included. */
export interface NumberParameter {
  readonly minimum: number
  readonly maximum: number
  readonly whole: boolean
  /** Its value where the definition does not say. */
  readonly otherwise?: number
}

/** How many values a list may hold. */
export const listLength: NumberParameter = { minimum: 1, maximum: 100_000, whole: true }

/** The parameters of a definition, checked and completed. Throws `INVALID_DEFINITION` for unknown, missing or impossible ones. */
export function readParameters<Name extends string>(
  owner: string,
  known: Readonly<Record<Name, NumberParameter>>,
  given: AggregateParameters,
): Record<Name, number> {
  const names = Object.keys(known) as Name[]
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(known, name)) {
      throw new LockstepError(
        'INVALID_DEFINITION',
        `${owner} has no parameter ${name}; ${names.length > 0 ? `it has ${names.join(', ')}` : 'it has none'}`,
      )
    }
  }
  const values = {} as Record<Name, number>
  for (const name of names) values[name] = readParameter(owner, name, known[name], given[name])
  return values
}

function readParameter(owner: string, name: string, known: NumberParameter, given: number | string | boolean | undefined): number {
  const value = given ?? known.otherwise
  if (typeof value === 'number' && value >= known.minimum && value <= known.maximum && (!known.whole || Number.isInteger(value)))
    return value + 0
  const wanted = `${known.whole ? 'a whole number' : 'a number'} from ${known.minimum} to ${known.maximum}`
  const found = given === undefined ? 'which is missing' : `not ${JSON.stringify(given) ?? String(given)}`
  throw new LockstepError('INVALID_DEFINITION', `${owner} needs the parameter ${name}, ${wanted}, ${found}`)
}

/** The type of a result that is computed as a float; NaN is possible where the column allows it. */
export function floatResult(input: TypeData | undefined, nullable: boolean): TypeData {
  return { kind: 'float', nullable, ...(input?.allowNaN ? { allowNaN: true } : {}) }
}

export const listResult = (element: TypeData): TypeData => ({ kind: 'list', nullable: false, element })

/** The number that one unit of a cell stands for is `1 / decimalFactor`: 10^scale of a decimal, else 1. */
export function decimalFactor(type: TypeData): number {
  return Number(10n ** BigInt(type.scale ?? 0))
}
