import assert from 'node:assert/strict'
import { test } from 'node:test'
import { followUp } from './follow-up.ts'

test('a command to go on with says where, as the one before it did', () => {
  assert.equal(followUp('materialize clicks@1', {}), 'lockstep materialize clicks@1')
  assert.equal(
    followUp('apply plan.json', { project: 'my shop', environment: 'prod', newEnvironment: true }),
    "lockstep apply plan.json --project 'my shop' --environment prod --new-environment",
  )
  assert.equal(
    followUp('apply plan.json', { definitions: "ann's.ts", history: { orders: 'o.csv' } }),
    "lockstep apply plan.json --definitions 'ann'\\''s.ts' --history orders=o.csv",
  )
})
