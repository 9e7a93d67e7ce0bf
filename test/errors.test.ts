import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { errorsPage, errorsPagePath } from '../scripts/make-errors-page.ts'
import { errorCatalogue, LockstepError } from '../src/errors.ts'

test('docs/reference/errors.md lists the errors of src/errors.ts', () => {
  assert.equal(readFileSync(errorsPagePath, 'utf8'), errorsPage(), 'Run `npm run docs:errors`')
})

test('every error has a code, a meaning and a remedy, as sentences', () => {
  for (const [code, [meaning, remedy]] of Object.entries(errorCatalogue)) {
    assert.match(code, /^[A-Z0-9]+(_[A-Z0-9]+)*$/)
    for (const sentence of [meaning, remedy]) assert.match(sentence, /^[A-Z`].*\.$/, `${code}: ${sentence}`)
  }
})

test('an error tells what, where and what to do', () => {
  const error = new LockstepError('INVALID_DURATION', 'The duration "x" cannot be read', { where: 'orders.lateness' })
  assert.equal(error.message, 'The duration "x" cannot be read (orders.lateness)')
  assert.deepEqual(error.toJSON(), {
    code: 'INVALID_DURATION',
    message: error.message,
    where: 'orders.lateness',
    remedy: errorCatalogue.INVALID_DURATION[1],
  })
})
