import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { durationMicros, formatDuration } from './duration.ts'

const day = 86_400_000_000

test('durations as people write them', () => {
  const lengths: readonly (readonly [string, number])[] = [
    ['1us', 1],
    ['250ms', 250_000],
    ['1s', 1_000_000],
    ['30m', 1_800_000_000],
    ['1h30m', 5_400_000_000],
    ['30m1h', 5_400_000_000],
    ['1d', day],
    ['2w', 14 * day],
    ['1w2d3h4m5s6ms7us', 9 * day + 11_045_006_007],
    ['0.5h', 1_800_000_000],
    ['1.001s', 1_001_000],
    ['0.000001s', 1],
    ['4.350s', 4_350_000],
    [' 90d ', 90 * day],
    ['0030m', 1_800_000_000],
    ['1s0s', 1_000_000],
    ['73000d', 73_000 * day],
  ]
  for (const [text, micros] of lengths) assert.equal(durationMicros(text), micros, text)
})

test('what is no duration', () => {
  const refused: readonly (readonly [unknown, string])[] = [
    ['-1d', 'is negative'],
    [' -1d', 'is negative'],
    ['0s', 'is zero'],
    ['0h0m', 'is zero'],
    ['', 'is empty'],
    [' ', 'is empty'],
    ['30', 'cannot be read'],
    ['d', 'cannot be read'],
    ['30 m', 'cannot be read'],
    ['1h 30m', 'cannot be read'],
    ['30M', 'cannot be read'],
    ['900y', 'cannot be read'],
    ['1.s', 'cannot be read'],
    ['.5s', 'cannot be read'],
    ['1e3s', 'cannot be read'],
    ['+1d', 'cannot be read'],
    ['1h30', 'cannot be read'],
    ['0.5us', 'is not a whole number of microseconds'],
    ['0.0000000001d', 'is not a whole number of microseconds'],
    ['1.0000001s', 'is not a whole number of microseconds'],
    ['73000d1us', 'is longer than 200 years'],
    [`${'9'.repeat(400)}d`, 'is not a whole number of microseconds'],
    [30, 'is not a text'],
    [undefined, 'is not a text'],
  ]
  for (const [text, why] of refused) {
    assert.throws(() => durationMicros(text as string, 'over'), {
      code: 'INVALID_DURATION',
      message: `The duration ${JSON.stringify(text)} ${why} (over)`,
      where: 'over',
    })
  }
})

test('zero where it is allowed', () => {
  for (const text of ['0s', '0d0us', '0.0h']) assert.equal(durationMicros(text, '', true), 0)
  assert.throws(() => durationMicros('-0s', '', true), { message: 'The duration "-0s" is negative' })
})

test('the shortest text of a length', () => {
  const texts: readonly (readonly [number, string])[] = [
    [0, '0s'],
    [1, '1us'],
    [999_999, '999ms999us'],
    [60_000_000, '1m'],
    [5_400_000_000, '1h30m'],
    [day - 1, '23h59m59s999ms999us'],
    [14 * day, '14d'],
  ]
  for (const [micros, text] of texts) assert.equal(formatDuration(micros), text)
})

test('a length survives its text, and a decimal fraction is exact', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 73_000 * day }), (micros) => assert.equal(durationMicros(formatDuration(micros)), micros)),
  )
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10 ** 12 }), (micros) => {
      const text = `${Math.floor(micros / 1e6)}.${String(micros % 1e6).padStart(6, '0')}s`
      assert.equal(durationMicros(text), micros)
    }),
  )
})
