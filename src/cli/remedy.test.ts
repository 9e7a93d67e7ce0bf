import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LockstepError } from '../errors.ts'
import { loggedIn } from '../lib/actor.ts'
import { remedyOf } from './remedy.ts'

test('remedies speak of the command line, unless an error has one of its own', () => {
  assert.match(remedyOf(new LockstepError('INVALID_MOMENT', 'x')), /^Write a date or a time.*2026-03-01T12:00:00Z/)
  assert.equal(remedyOf(new LockstepError('INVALID_MOMENT', 'x', { remedy: 'Its own.' })), 'Its own.')
  assert.match(remedyOf(new LockstepError('DUPLICATE_NAME', 'x')), /^Rename/)
})

test('who is refused as the user of the machine is told of the token that is not set', (t) => {
  const refused = (who: string) => remedyOf(new LockstepError('FORBIDDEN', `${who} may not read in dev`, { remedy: 'Ask an admin.' }))
  const before = process.env.LOCKSTEP_TOKEN
  t.after(() => {
    if (before !== undefined) process.env.LOCKSTEP_TOKEN = before
  })
  delete process.env.LOCKSTEP_TOKEN
  assert.equal(refused(loggedIn()), `No token is set, so you act as ${loggedIn()}: set LOCKSTEP_TOKEN; or ask an admin.`)
  assert.equal(refused('somebody-else'), 'Ask an admin.')
  process.env.LOCKSTEP_TOKEN = 'a-token'
  assert.equal(refused(loggedIn()), 'Ask an admin.')
  delete process.env.LOCKSTEP_TOKEN
})
