import fc from 'fast-check'
import { aggregateFunctions } from '../../src/aggregation/index.ts'
import { call } from '../../src/definition/expression.ts'
import { Aggregation, asOf, Expression, type ExpressionNode, type FunctionName } from '../../src/definition/index.ts'
import type { Cell, Kind, TypeData } from '../../src/schema/index.ts'
import { arbitraryCell } from './arbitrary-cell.ts'
import type { RandomSource } from './random-source.ts'

type Kinds = readonly Kind[]
const numeric: Kinds = ['integer', 'int64', 'float', 'decimal']
const scalar: Kinds = [...numeric, 'string', 'oneOf', 'boolean', 'timestamp', 'date']
const any: Kinds = [...scalar, 'list', 'vector', 'struct']

/** Lengths of windows, delays and ttls: whole units, or a microsecond beside them. */
export const randomLength = ({ scale }: RandomSource): fc.Arbitrary<number> =>
  fc.tuple(fc.integer({ min: 1, max: 12 }), fc.constantFrom(0, 0, 1, -1)).map(([units, aside]) => Math.max(units * scale.unit + aside, 1))

const micros = (length: number) => `${length}us`
const few = (name: string) => fc.integer({ min: 1, max: 4 }).map((count) => ({ [name]: count }))
const percentile = fc.constantFrom(0, 0.1, 0.25, 0.5, 0.9, 1).map((share) => ({ percentile: share }))

/** What each aggregate takes. */
function aggregatesOver(
  from: RandomSource,
): Readonly<Record<string, { inputs: readonly (readonly Kinds[])[]; parameters?: fc.Arbitrary<Record<string, number>> }>> {
  const halfLife = randomLength(from).map((length) => ({ halfLife: length }))
  return {
    count: { inputs: [[], [any]] },
    sum: { inputs: [[numeric], [['integer', 'decimal', 'int64']]] },
    average: { inputs: [[numeric]] },
    minimum: { inputs: [[scalar]] },
    maximum: { inputs: [[scalar]] },
    variancePopulation: { inputs: [[numeric]] },
    varianceSample: { inputs: [[numeric]] },
    deviationPopulation: { inputs: [[numeric]] },
    deviationSample: { inputs: [[numeric]] },
    first: { inputs: [[any]] },
    last: { inputs: [[any]] },
    firstN: { inputs: [[any]], parameters: few('n') },
    lastN: { inputs: [[any]], parameters: few('n') },
    collect: { inputs: [[any]], parameters: few('limit') },
    lastDistinctN: { inputs: [[scalar]], parameters: few('n') },
    countDistinct: { inputs: [[scalar]] },
    countDistinctApproximate: { inputs: [[scalar]], parameters: fc.constant({ precision: 8 }) },
    topK: { inputs: [[scalar]], parameters: few('k') },
    topKBySum: { inputs: [[scalar, numeric]], parameters: few('k') },
    quantile: { inputs: [[numeric]], parameters: percentile },
    quantileApproximate: { inputs: [[numeric]], parameters: percentile },
    histogram: { inputs: [[scalar]] },
    rate: { inputs: [[['boolean']]] },
    decayedSum: { inputs: [[numeric]], parameters: halfLife },
    decayedCount: { inputs: [[], [any]], parameters: halfLife },
  }
}

/** Expressions over the columns of a source. */
class Vocabulary {
  readonly #from: RandomSource
  readonly #columns: readonly ExpressionNode[]

  constructor(from: RandomSource) {
    this.#from = from
    const { kind, columns } = from.source
    this.#columns = Object.entries(columns).map(([name, type]) => ({
      node: 'column',
      name,
      type: kind === 'table' ? { ...type, nullable: true } : type,
    }))
  }

  #columnsOf(kinds: Kinds): readonly ExpressionNode[] {
    return this.#columns.filter(({ type }) => kinds.includes(type.kind))
  }

  /** A column of one of these kinds, sometimes an expression; null where there is none. */
  value(kinds: Kinds): fc.Arbitrary<ExpressionNode> | null {
    const columns = this.#columnsOf(kinds)
    const derived = this.#columns.flatMap((column) => this.#derived(column)).filter(({ type }) => kinds.includes(type.kind))
    if (columns.length === 0) return derived.length === 0 ? null : fc.constantFrom(...derived)
    const column = fc.constantFrom(...columns)
    return derived.length === 0 ? column : fc.oneof({ weight: 4, arbitrary: column }, { weight: 1, arbitrary: fc.constantFrom(...derived) })
  }

  /** Keys and ids reach the ends of their types. */
  #isIdentity(column: ExpressionNode): boolean {
    return column.node === 'column' && [...this.#from.keys, ...this.#from.source.id].includes(column.name)
  }

  /** Arithmetic leaves whole numbers near their ends alone: a row outside of every window must not raise. */
  #derived(column: ExpressionNode): readonly ExpressionNode[] {
    const { kind } = column.type
    const of = (name: FunctionName, ...others: ExpressionNode[]) => call(name, [column, ...others]).node
    const isSmall = numeric.includes(kind) && !this.#from.hasExtremes && !this.#isIdentity(column)
    const three = literal({ kind: kind === 'int64' ? 'int64' : 'integer', nullable: false }, kind === 'int64' ? 3n : 3)
    return [
      of('isNull'),
      ...(numeric.includes(kind) ? [of('toFloat'), of('divide', three)] : []),
      ...(kind === 'float' || isSmall ? [of('add', three), of('multiply', three), of('absolute'), of('subtract', column)] : []),
      ...(kind === 'string' || kind === 'oneOf' ? [of('lower'), of('trim'), of('length'), of('concat', column)] : []),
      ...(kind === 'timestamp' || kind === 'date' ? [of('year'), of('dayOfWeek')] : []),
      ...(kind === 'timestamp' ? [of('hour')] : []),
      ...(kind === 'boolean' ? [of('not')] : []),
    ]
  }

  condition(depth = 1): fc.Arbitrary<ExpressionNode> {
    const comparison = fc.constantFrom(...this.#columnsOf(scalar)).chain((column) => {
      const value = arbitraryCell({ ...column.type, nullable: false }).map((cell) => literal({ ...column.type, nullable: false }, cell))
      const peer = fc.constantFrom(...this.#columnsOf([column.type.kind]))
      return fc
        .tuple(fc.constantFrom<FunctionName>('eq', 'ne', 'lt', 'lte', 'gt', 'gte', 'isIn'), fc.oneof(value, peer))
        .map(([name, other]) => call(name, [column, other]).node)
    })
    const flags = this.value(['boolean'])
    const simple = flags === null ? comparison : fc.oneof(comparison, flags)
    if (depth === 0) return simple
    const inner = this.condition(depth - 1)
    return fc.oneof(
      { weight: 3, arbitrary: simple },
      {
        weight: 1,
        arbitrary: fc.tuple(fc.constantFrom<FunctionName>('and', 'or'), inner, inner).map(([name, a, b]) => call(name, [a, b]).node),
      },
      { weight: 1, arbitrary: inner.map((one) => call('not', [one]).node) },
    )
  }

  /** An aggregate over all events of a key. */
  #aggregate(): fc.Arbitrary<Aggregation> {
    const known = Object.entries(aggregatesOver(this.#from)).flatMap(([name, { inputs, parameters }]) =>
      inputs.flatMap((kinds) => {
        const values = kinds.map((one) => this.value(one))
        if (values.includes(null)) return []
        return [{ name, values: fc.tuple(...(values as fc.Arbitrary<ExpressionNode>[])), parameters: parameters ?? fc.constant({}) }]
      }),
    )
    return fc.constantFrom(...known).chain(({ name, values, parameters }) =>
      fc.tuple(values, parameters).map(([inputs, given]) => {
        const type = (aggregateFunctions[name] as (typeof aggregateFunctions)[string]).result(
          inputs.map((input) => input.type),
          given,
        )
        return new Aggregation({
          node: 'aggregate',
          function: name,
          inputs,
          parameters: given,
          filter: null,
          window: { kind: 'lifetime', delay: 0 },
          type,
        })
      }),
    )
  }

  /** An aggregate with or without a filter, a window and a delay. */
  aggregate(): fc.Arbitrary<Aggregation> {
    const length = randomLength(this.#from)
    const condition = this.condition().map((node) => new Expression<'boolean', boolean, boolean>(node))
    const windows: readonly fc.Arbitrary<(one: Aggregation) => Aggregation>[] = [
      fc.constant((one) => one),
      length.map((span) => (one) => one.over(micros(span))),
      length.map((span) => (one) => one.over(micros(span))),
      fc.tuple(length, fc.integer({ min: 1, max: 5 })).map(
        ([span, parts]) =>
          (one) =>
            one.over(micros(span), { resolution: micros(Math.max(Math.floor(span / parts), 1)) }),
      ),
      fc.tuple(length, fc.constantFrom('current', 'last')).map(
        ([span, part]) =>
          (one) =>
            one.tumbling(micros(span), part),
      ),
      length.map((span) => (one) => one.session(micros(Math.max(Math.floor(span / 4), 1)))),
      condition.map((match) => (one) => one.since(match)),
    ]
    return fc
      .tuple(
        this.#aggregate(),
        fc.constantFrom(...windows).chain((window) => window),
        fc.option(condition, { freq: 2 }),
        fc.option(length, { freq: 3 }),
      )
      .map(([one, window, filter, delay]) => {
        const windowed = window(filter === null ? one : one.where(filter))
        return delay === null ? windowed : windowed.delay(micros(delay))
      })
  }

  /** A feature of events: an aggregate, or what can be computed from aggregates. */
  ofEvents(): fc.Arbitrary<ExpressionNode> {
    const aggregate = this.aggregate().map(({ node }): ExpressionNode => node)
    return fc.oneof(
      { weight: 6, arbitrary: aggregate },
      { weight: 1, arbitrary: aggregate.chain((one) => this.#computed(one)) },
      {
        weight: 1,
        arbitrary: fc
          .tuple(aggregate, aggregate)
          .map(([a, b]) => (isNumber(a) && isNumber(b) ? call('divide', [a, b]).node : call('isNull', [a]).node)),
      },
    )
  }

  /** A feature of a table: a column, or what can be computed from columns. */
  ofRows(): fc.Arbitrary<ExpressionNode> {
    const column = fc.constantFrom(...this.#columns)
    return fc.oneof(
      { weight: 3, arbitrary: column },
      { weight: 2, arbitrary: column.chain((one) => this.#computed(one)) },
      { weight: 1, arbitrary: this.value(any) as fc.Arbitrary<ExpressionNode> },
      { weight: 1, arbitrary: this.condition() },
    )
  }

  /** Null handling, a condition, time since. */
  #computed(one: ExpressionNode): fc.Arbitrary<ExpressionNode> {
    const { type } = one
    const isNull = call('isNull', [one]).node
    const otherwise = arbitraryCell({ ...type, nullable: false }).map((cell) => literal({ ...type, nullable: false }, cell))
    if (type.kind === 'timestamp')
      return fc.constantFrom<FunctionName>('secondsAfter', 'daysAfter').map((name) => call(name, [asOf.node, one]).node)
    if (type.kind === 'decimal') return fc.constant(isNull)
    return otherwise.chain((other) => fc.constantFrom(isNull, call('coalesce', [one, other]).node, call('case', [isNull, other, one]).node))
  }
}

const isNumber = ({ type }: ExpressionNode) => numeric.includes(type.kind)
const literal = (type: TypeData, value: Cell): ExpressionNode => ({ node: 'literal', value, type })

/** Features over a source, by name. */
export function randomFeatures(from: RandomSource): fc.Arbitrary<Readonly<Record<string, Expression>>> {
  const words = new Vocabulary(from)
  const feature = from.source.kind === 'events' ? words.ofEvents() : words.ofRows()
  return fc
    .array(feature, { minLength: 1, maxLength: 6, size: 'max' })
    .map((nodes) => Object.fromEntries(nodes.map((node, index) => [`feature_${index}`, new Expression(node)])))
}
