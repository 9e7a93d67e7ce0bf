import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answerableFor, callerOf } from './caller.ts'
import type { RouteRequest } from './route.ts'

const request = (token: string | null, headers: Readonly<Record<string, string>>) =>
  ({ token: token === null ? null : { name: token }, headers }) as unknown as RouteRequest

test('readers may say for whom they read, and are known by their token nonetheless; who changes something is whose token it is', () => {
  const said = { 'lockstep-caller': 'ann' }
  assert.deepEqual([callerOf(request('bob', said)).name, answerableFor(request('bob', said))], ['bob/ann', 'bob'])
  assert.deepEqual([callerOf(request('bob', {})).name, answerableFor(request('bob', {}))], ['bob', 'bob'])
  assert.equal(callerOf(request('bob', said), { caller: 'eve' }).name, 'bob/eve')
  assert.equal(callerOf(request('bob', { 'lockstep-caller': 'bob' })).name, 'bob')
  assert.deepEqual([callerOf(request(null, said)).name, callerOf(request(null, said), { caller: 'eve' }).name], ['ann', 'eve'])
  assert.deepEqual([answerableFor(request(null, said)), answerableFor(request(null, {}))], ['ann', 'http'])
})
