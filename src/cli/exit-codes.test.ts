import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LockstepError } from '../errors.ts'
import { exitCodeOf, exitCodes } from './exit-codes.ts'

test('one mistake has one exit code, whether it is seen before or after a command starts', () => {
  for (const started of [false, true]) {
    assert.equal(exitCodeOf(new LockstepError('INVALID_ARGUMENT', 'x'), { started }), exitCodes.usage)
    assert.equal(exitCodeOf(new LockstepError('INTERRUPTED', 'x'), { started }), exitCodes.interrupted)
    assert.equal(exitCodeOf(new TypeError('a defect'), { started }), exitCodes.failed)
  }
  assert.equal(exitCodeOf(new LockstepError('INVALID_DURATION', 'x'), { started: false }), exitCodes.usage)
  assert.equal(exitCodeOf(new LockstepError('IN_USE', 'x'), { started: true }), exitCodes.failed)
  assert.equal(new Set(Object.values(exitCodes)).size, Object.keys(exitCodes).length, 'each says one thing: 2 is that of a plan alone')
})
