import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { JsonWriter } from './json-writer.ts'
import { formatMoment } from './moment.ts'

const writer = new JsonWriter()
const written = (write: (to: JsonWriter) => void): string => {
  write(writer.clear())
  return writer.finish().toString()
}

/** Doubles of all sizes; those of few decimals, which are written another way; and what lies beside them. */
const numbers = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.tuple(fc.integer(), fc.integer({ min: 0, max: 8 })).map(([digits, scale]) => digits / 10 ** scale),
  fc.tuple(fc.integer(), fc.constantFrom(1 + Number.EPSILON, 1 - Number.EPSILON)).map(([digits, beside]) => (digits / 1000) * beside),
)

test('numbers are written as JSON.stringify writes them', () => {
  const edges = [
    0,
    -0,
    0.1,
    -0.001,
    0.001,
    1e-7,
    1e21,
    2 ** 31,
    -(2 ** 31),
    2 ** 31 - 1,
    2147483.647,
    2147483.648,
    0.1 + 0.2,
    5e-324,
    999.9995,
  ]
  for (const value of edges)
    assert.equal(
      written((to) => to.number(value)),
      JSON.stringify(value),
    )
  fc.assert(
    fc.property(numbers, (value) => {
      assert.equal(
        written((to) => to.number(value)),
        JSON.stringify(value),
      )
    }),
    { numRuns: 20_000 },
  )
})

test('decimals have all digits of their scale', () => {
  const scaled = fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.integer({ min: -1000, max: 1000 }))
  fc.assert(
    fc.property(scaled, fc.integer({ min: 0, max: 15 }), (whole, scale) => {
      const text = written((to) => to.decimal(whole, scale))
      const [, sign, before = '', behind = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) ?? []
      assert.equal(behind.length, scale)
      assert.equal(BigInt(`${sign}${before}${behind}`), BigInt(whole))
      assert.match(before, /^(?:0|[1-9]\d*)$/)
    }),
    { numRuns: 5_000 },
  )
})

test('moments are written as formatMoment gives them', () => {
  const bound = 9 * 10 ** 15
  const micros = fc.oneof(
    fc.integer({ min: -bound, max: bound }),
    fc.integer({ min: -bound / 1e6, max: bound / 1e6 }).map((seconds) => seconds * 1e6),
  )
  fc.assert(
    fc.property(micros, fc.constantFrom(1, 1000), (moment, unit) => {
      const whole = Math.floor(moment / unit) * unit
      assert.equal(
        written((to) => to.moment(whole)),
        `"${formatMoment(whole)}"`,
      )
    }),
    { numRuns: 5_000 },
  )
})

test('texts are written as JSON.stringify writes them, whatever they hold', () => {
  for (let unit = 0; unit < 0x100; unit++) {
    const value = `a${String.fromCharCode(unit)}`
    assert.equal(
      written((to) => to.text(value)),
      JSON.stringify(value),
    )
  }
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'grapheme', maxLength: 200 }),
    fc.string({ unit: fc.constantFrom('"', '\\', '\n', '\u0001', '\u007f', 'ö', '\ud800', 'a') }),
  )
  fc.assert(
    fc.property(texts, (value) => {
      assert.equal(
        written((to) => to.text(value)),
        JSON.stringify(value),
      )
      assert.equal(
        written((to) => to.raw('[').text(value).byte(0x5d)),
        JSON.stringify([value]),
      )
    }),
    { numRuns: 5_000 },
  )
})

test('what is given away stays as it is, however much is written behind it', () => {
  const long = 'x'.repeat(3_000_000)
  const first = writer.clear().text(long).finish()
  const second = writer.clear().fragment(Buffer.from('[1]')).finish()
  writer.clear().text('other')
  assert.equal(first.toString(), JSON.stringify(long))
  assert.equal(second.toString(), '[1]')
})
