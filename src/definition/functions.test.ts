import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type TypeData, t } from '../schema/index.ts'
import { Expression, when } from './expression.ts'
import { type FunctionName, resultType } from './functions.ts'

const text = t.string().data
const choice = t.oneOf('a', 'b').data
const integer = t.integer().data
const int64 = t.int64().data
const float = t.float().data
const price = t.decimal(12, 2).data
const boolean = t.boolean().data
const moment = t.timestamp().data
const date = t.date().data
const list = t.list(t.integer()).data
const vector = t.vector(2).data
const struct = t.struct().data
const nullable = (type: TypeData): TypeData => ({ ...type, nullable: true })

test('arguments that a function cannot take are refused, by name and kind', () => {
  const refused: readonly (readonly [FunctionName, readonly TypeData[], RegExp])[] = [
    ['eq', [text, integer], /^eq\(string, integer\) compares unlike kinds/],
    ['eq', [moment, date], /unlike kinds/],
    ['ne', [list, list], /^ne\(list, list\) cannot be compared/],
    ['isIn', [integer, integer, text], /unlike kinds/],
    ['isIn', [struct, struct], /cannot be compared/],
    ['lt', [vector, vector], /has no order/],
    ['gte', [boolean, integer], /unlike kinds/],
    ['and', [boolean, integer], /^and\(boolean, integer\) takes boolean only/],
    ['not', [text], /takes boolean only/],
    ['case', [integer, text, text], /needs a boolean condition/],
    ['case', [boolean, text, integer], /branches of unlike kinds/],
    ['coalesce', [integer, float], /branches of unlike kinds/],
    ['coalesce', [choice, text], /branches of unlike kinds/],
    ['coalesce', [list, t.list(t.string()).data], /lists of unlike elements/],
    ['coalesce', [vector, t.vector(3).data], /vectors of 2 and 3 elements/],
    ['add', [text, integer], /^add\(string, integer\) takes integer, int64, float, decimal only/],
    ['subtract', [moment, moment], /takes integer/],
    ['multiply', [price, int64], /mixes decimal and int64/],
    ['multiply', [t.decimal(15, 8).data, t.decimal(15, 8).data], /more than 15 digits behind the point/],
    ['divide', [boolean, integer], /takes integer/],
    ['negate', [date], /takes integer/],
    ['floor', [integer], /takes float, decimal only/],
    ['toFloat', [text], /takes integer/],
    ['lower', [integer], /takes string, oneOf only/],
    ['concat', [text, integer], /takes string, oneOf only/],
    ['contains', [text, boolean], /takes string, oneOf only/],
    ['year', [text], /takes timestamp, date only/],
    ['hour', [date], /takes timestamp only/],
    ['secondsAfter', [moment, date], /takes timestamp only/],
    ['daysAfter', [date, date], /takes timestamp only/],
  ]
  for (const [name, types, message] of refused) assert.throws(() => resultType(name, types), { code: 'INVALID_DEFINITION', message })
})

test('result types', () => {
  const results: readonly (readonly [FunctionName, readonly TypeData[], TypeData])[] = [
    ['eq', [text, nullable(choice)], nullable(boolean)],
    ['isIn', [integer, float, price], boolean],
    ['isNull', [nullable(list)], boolean],
    ['and', [boolean, nullable(boolean)], nullable(boolean)],
    ['add', [integer, integer], integer],
    ['add', [integer, int64], int64],
    ['add', [price, nullable(float)], nullable(float)],
    ['add', [t.float().allowNaN().data, integer], t.float().allowNaN().data],
    ['subtract', [price, integer], { kind: 'decimal', nullable: false, precision: 18, scale: 2 }],
    ['add', [price, t.decimal(9, 4).data], { kind: 'decimal', nullable: false, precision: 18, scale: 4 }],
    ['multiply', [price, t.decimal(9, 4).data], { kind: 'decimal', nullable: false, precision: 18, scale: 6 }],
    ['divide', [integer, integer], nullable(float)],
    ['negate', [t.integer().range(0, 5).data], integer],
    ['absolute', [price], price],
    ['floor', [nullable(price)], nullable(integer)],
    ['lower', [choice], text],
    ['length', [nullable(text)], nullable(integer)],
    ['daysAfter', [moment, nullable(moment)], nullable(integer)],
    ['coalesce', [nullable(price), t.decimal(9, 4).data], { kind: 'decimal', nullable: false, precision: 18, scale: 4 }],
    ['coalesce', [nullable(int64), integer], int64],
    ['coalesce', [nullable(float), t.float().allowNaN().data], t.float().allowNaN().data],
    ['coalesce', [nullable(text), choice], text],
    ['coalesce', [nullable(list), list], list],
    ['coalesce', [nullable(vector), vector], vector],
    ['case', [nullable(boolean), choice, t.oneOf('b', 'c').data], t.oneOf('a', 'b', 'c').data],
    ['case', [boolean, integer, nullable(integer)], nullable(integer)],
  ]
  for (const [name, types, expected] of results) assert.deepEqual(resultType(name, types), expected, name)
})

test('a number beside a column is read as the column is', () => {
  const column = <K extends TypeData['kind']>(type: TypeData & { readonly kind: K }) =>
    new Expression<K, true, number>({ node: 'column', name: 'x', type: nullable(type) })
  const literalBeside = (expression: Expression) => (expression.node.node === 'call' ? expression.node.arguments.at(-1) : undefined)
  const decimals = (scale: number) => ({ kind: 'decimal', nullable: false, precision: 15, scale })
  const amount = new Expression<'decimal', true, string>({ node: 'column', name: 'x', type: nullable(price) })
  assert.deepEqual(literalBeside(amount.times(0.9)), { node: 'literal', value: 9, type: decimals(1) })
  assert.deepEqual(literalBeside(amount.gt('10.50')), { node: 'literal', value: 1050, type: decimals(2) })
  assert.deepEqual(literalBeside(amount.gt(10)), { node: 'literal', value: 10, type: integer })
  assert.deepEqual(literalBeside(amount.gt(0.1 + 0.2)), { node: 'literal', value: 0.1 + 0.2, type: float })
  assert.deepEqual(literalBeside(amount.dividedBy(3)), { node: 'literal', value: 3, type: integer })
  assert.deepEqual(literalBeside(amount.orElse(0)), { node: 'literal', value: 0, type: integer })
  assert.deepEqual(literalBeside(column(t.float().data).plus(1)), { node: 'literal', value: 1, type: float })
  assert.deepEqual(literalBeside(column(t.integer().data).plus(0.5)), { node: 'literal', value: 0.5, type: float })
  assert.deepEqual(literalBeside(new Expression<'int64', true, bigint>({ node: 'column', name: 'x', type: nullable(int64) }).orElse(0)), {
    node: 'literal',
    value: 0,
    type: integer,
  })
  assert.throws(() => amount.gt('0.0000000000000001'), { code: 'INVALID_VALUE' })
  assert.throws(
    () =>
      when(new Expression<'boolean', false, boolean>({ node: 'column', name: 'x', type: boolean }), amount, undefined as unknown as string),
    { code: 'INVALID_DEFINITION' },
  )
})
