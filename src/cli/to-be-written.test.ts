import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Output } from './output.ts'
import { toBeWritten } from './to-be-written.ts'

test('what is to be written is a command, however much it is', () => {
  const output = new Output({ environment: 'prod', newEnvironment: true })
  const missing = (count: number) => ({
    stored: Array.from({ length: count }, (_, place) => ({ group: `group_${place}@1`, state: 'missing' }) as const),
  })
  assert.deepEqual(toBeWritten({ stored: [{ group: 'old@1', state: 'unused' }] }, output), [])
  assert.deepEqual(toBeWritten(missing(2), output), ['To be written: lockstep materialize group_0@1 group_1@1 --environment prod'])
  assert.deepEqual(toBeWritten(missing(1000), output), ['To be written: 1,000 groups, by lockstep materialize --environment prod'])
})
