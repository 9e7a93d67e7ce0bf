import assert from 'node:assert/strict'
import { test } from 'node:test'
import { momentMicros } from '../lib/moment.ts'
import { effectiveMoment, every, live } from './refresh.ts'

test('a scheduled group has its value of the last tick that has taken effect', () => {
  const at = (time: string) => momentMicros(`2026-01-05T${time}Z`)
  assert.equal(effectiveMoment(live, 12.5), 12.5)
  assert.equal(effectiveMoment(every('1d'), at('00:00:00')), at('00:00:00'))
  assert.equal(effectiveMoment(every('1d'), at('23:59:59.999999')), at('00:00:00'))
  assert.equal(effectiveMoment(every('6h', { delay: '10m' }), at('12:09:59.999999')), at('06:00:00'))
  assert.equal(effectiveMoment(every('6h', { delay: '10m' }), at('12:10:00')), at('12:00:00'))
  assert.equal(effectiveMoment(every('1d'), -1), -86_400_000_000)
})

test('periods and delays that make no sense', () => {
  for (const period of ['0s', '-1d', '300000d', 'daily', ''])
    assert.throws(() => every(period), { code: 'INVALID_DURATION', where: 'every' }, period)
  assert.throws(() => every('1d', { delay: '-1h' }), { code: 'INVALID_DURATION', where: 'delay' })
  assert.deepEqual(every('1d', { delay: '0s' }), every('1d'))
  assert.ok(Object.isFrozen(every('1d')))
})
