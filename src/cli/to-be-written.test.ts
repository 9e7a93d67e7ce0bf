import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toBeWritten } from './to-be-written.ts'

test('what is to be written is a command, however much it is', () => {
  const missing = (count: number) => ({
    stored: Array.from({ length: count }, (_, place) => ({ group: `group_${place}@1`, state: 'missing' }) as const),
  })
  assert.deepEqual(toBeWritten({ stored: [{ group: 'old@1', state: 'unused' }] }), [])
  assert.deepEqual(toBeWritten(missing(2)), ['To be written: lockstep materialize group_0@1 group_1@1'])
  assert.deepEqual(toBeWritten(missing(1000)), ['To be written: 1,000 groups, by lockstep materialize'])
})
