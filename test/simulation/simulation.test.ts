import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simulate } from './simulate.ts'

/** Other seeds in every run; a failing one is named and replays exactly: `npm run simulate -- --from SEED --seeds 1`. */
const first = Number(process.env.LOCKSTEP_SEED ?? Math.floor(Math.random() * 1e9))
const seeds = Number(process.env.LOCKSTEP_SEEDS ?? 200)

test(`workers that crash, stall and lose their partitions keep every value right: ${seeds} seeds from ${first}`, {
  timeout: 600_000,
}, async () => {
  let compared = 0
  for (let seed = first; seed < first + seeds; seed++) {
    const result = await simulate(seed).catch((error: unknown) => {
      throw new Error(`seed ${seed}`, { cause: error })
    })
    compared += result.compared
  }
  assert.ok(compared > seeds, `only ${compared} values were compared`)
})

test('a seed replays exactly', async () => {
  for (const seed of [first, first + 1, first + 2]) assert.deepEqual(await simulate(seed), await simulate(seed))
})
