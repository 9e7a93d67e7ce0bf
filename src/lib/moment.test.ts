import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { dateDays, formatDate, formatMoment, momentMicros } from './moment.ts'

test('moments to the microsecond, in UTC where they name no zone', () => {
  // Seconds from `date -u -d TEXT +%s`.
  const moments: readonly (readonly [string | Date, number])[] = [
    ['1970-01-01', 0],
    ['1970-01-01T00:00:00.000001Z', 1],
    ['1969-12-31T23:59:59.999999Z', -1],
    ['2026-01-05T10:00:00Z', 1_767_607_200_000_000],
    ['2026-01-05T10:00', 1_767_607_200_000_000],
    ['2026-01-05 10:00:00', 1_767_607_200_000_000],
    [' 2026-01-05T10:00:00z ', 1_767_607_200_000_000],
    ['2026-01-05T10:00:00 Z', 1_767_607_200_000_000],
    ['2026-01-05T10:00:00.5Z', 1_767_607_200_500_000],
    ['2026-01-05T10:00:00.123456Z', 1_767_607_200_123_456],
    ['2026-01-05T10:00:00.123456000Z', 1_767_607_200_123_456],
    ['2026-01-05T12:30:00+02:30', 1_767_607_200_000_000],
    ['2026-01-05T12:30:00+0230', 1_767_607_200_000_000],
    ['2026-01-05T05:00:00-05', 1_767_607_200_000_000],
    ['2026-01-05T10:00:00-00:00', 1_767_607_200_000_000],
    ['2025-12-31T23:30:00-01:00', 1_767_227_400_000_000],
    ['2000-02-29', 951_782_400_000_000],
    ['2024-02-29T23:59:59.999999', 1_709_251_199_999_999],
    ['1700-03-01', -8_515_238_400_000_000],
    [new Date(1_767_607_200_123), 1_767_607_200_123_000],
    [new Date(-1), -1_000],
  ]
  for (const [moment, micros] of moments) assert.equal(momentMicros(moment), micros, String(moment))
})

test('the first and the last moment', () => {
  for (const [text, micros] of [
    ['1684-07-28T00:12:25.259009Z', Number.MIN_SAFE_INTEGER],
    ['2255-06-05T23:47:34.740991Z', Number.MAX_SAFE_INTEGER],
  ] as const) {
    assert.equal(momentMicros(text), micros)
    assert.equal(formatMoment(micros), text)
  }
  const outside = [
    '1684-07-28T00:12:25.259008Z',
    '2255-06-05T23:47:34.740992Z',
    '0000-01-01',
    '0050-06-15',
    '0099-12-31T23:59',
    '9999-12-31',
    new Date(8.64e15),
  ]
  for (const moment of outside) {
    assert.throws(() => momentMicros(moment, 'asOf'), {
      code: 'INVALID_MOMENT',
      message: `The moment ${JSON.stringify(moment)} is outside the years 1684 to 2255 (asOf)`,
      where: 'asOf',
    })
  }
})

test('what is no moment', () => {
  const refused: readonly (readonly [unknown, string])[] = [
    ['2026-02-29', 'is not a date of the calendar'],
    ['1900-02-29', 'is not a date of the calendar'],
    ['2026-04-31', 'is not a date of the calendar'],
    ['2026-13-01', 'is not a date of the calendar'],
    ['2026-00-10', 'is not a date of the calendar'],
    ['2026-01-00', 'is not a date of the calendar'],
    ['2026-01-05T24:00:00Z', 'is not a date of the calendar'],
    ['2026-01-05T10:60:00Z', 'is not a date of the calendar'],
    ['2016-12-31T23:59:60Z', 'is not a date of the calendar'],
    ['2026-01-05T10:00:00.0000001Z', 'is finer than a microsecond'],
    ['', 'is not an ISO 8601 date or time'],
    ['now', 'is not an ISO 8601 date or time'],
    ['2026-1-5', 'is not an ISO 8601 date or time'],
    ['05/01/2026', 'is not an ISO 8601 date or time'],
    ['2026-01-05T10', 'is not an ISO 8601 date or time'],
    ['2026-01-05T10:00:00+24:00', 'is not an ISO 8601 date or time'],
    ['2026-01-05T10:00:00+01:60', 'is not an ISO 8601 date or time'],
    ['2026-01-05T10:00:00 Europe/London', 'is not an ISO 8601 date or time'],
    ['+002026-01-05', 'is not an ISO 8601 date or time'],
    ['1767607200', 'is not an ISO 8601 date or time'],
    [new Date(Number.NaN), 'is outside the years 1684 to 2255'],
    [1_767_607_200, 'is neither a Date nor a text'],
    [undefined, 'is neither a Date nor a text'],
  ]
  for (const [moment, why] of refused) {
    assert.throws(() => momentMicros(moment as string), { code: 'INVALID_MOMENT', message: `The moment ${JSON.stringify(moment)} ${why}` })
  }
})

test('a moment is written with no more digits than it needs', () => {
  for (const [micros, text] of [
    [0, '1970-01-01T00:00:00Z'],
    [1, '1970-01-01T00:00:00.000001Z'],
    [-1, '1969-12-31T23:59:59.999999Z'],
    [1_000, '1970-01-01T00:00:00.001Z'],
    [1_767_607_200_100_000, '2026-01-05T10:00:00.100Z'],
    [1_767_607_200_100_010, '2026-01-05T10:00:00.100010Z'],
  ] as const) {
    assert.equal(formatMoment(micros), text)
  }
  const anyMicros = fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER })
  fc.assert(fc.property(anyMicros, (micros) => assert.equal(momentMicros(formatMoment(micros)), micros)))
})

test('dates as days', () => {
  for (const [text, days] of [
    ['1970-01-01', 0],
    ['1969-12-31', -1],
    ['2000-02-29', 11_016],
    ['2000-03-01', 11_017],
    ['2026-01-05', 20_458],
    ['1684-07-29', -104_249],
    ['2255-06-05', 104_249],
  ] as const) {
    assert.equal(dateDays(text), days)
    assert.equal(formatDate(days), text)
  }
  for (const text of ['2026-02-29', '2026-01-05T00:00:00Z', '2026-1-5', '', ' 2026-01-05', '1684-07-28', '2255-06-06', '0050-01-01']) {
    assert.throws(() => dateDays(text, 'column day'), { code: 'INVALID_MOMENT', where: 'column day' }, text)
  }
})
