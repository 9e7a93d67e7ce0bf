import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { FeatureGroup, live } from '../../src/definition/index.ts'
import { LockstepError } from '../../src/errors.ts'
import { backfillGroup, tickColumn } from '../../src/materialize/index.ts'
import { parquetOfflineStore } from '../../src/offline/drivers/parquet.ts'
import { cellAt } from '../../src/offline/index.ts'
import { type Cell, fromCell, type TypeData } from '../../src/schema/index.ts'
import { oracleAnswer, runs } from '../support/oracle-answers.ts'
import { groupWithRows, randomCase } from '../support/random-case.ts'

test('a backfill has, at every tick and for every key known by then, the values of the oracle', { timeout: 600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(randomCase(), fc.integer({ min: 1, max: 6 }), async (one, ticks) => {
      const stored = groupWithRows(one)
      const every = stored.refresh.kind === 'scheduled' ? stored.refresh.every : 3_600_000_000
      const from = Math.floor((one.moments[0] as number) / every) * every
      const path = await mkdtemp(join(tmpdir(), 'lockstep-backfill-'))
      const offline = parquetOfflineStore({ path })
      try {
        const range = { from, to: from + ticks * every, ...(stored.refresh.kind === 'live' ? { every } : {}) }
        try {
          await backfillGroup(stored, offline, range)
        } catch (error) {
          if (error instanceof LockstepError && error.code === 'NUMBER_OUT_OF_RANGE') return fc.pre(false)
          throw error
        }
        const found = new Map<string, unknown>()
        const [interval] = await offline.intervals({ group: stored.name, version: stored.version })
        const columns = Object.entries<TypeData>(interval?.columns ?? {})
        for await (const batch of offline.read({ group: stored.name, version: stored.version })) {
          for (let row = 0; row < batch.count; row++) {
            const cells = Object.fromEntries(
              columns.map(([name, type], index) => [name, cellAt(type, batch.columns[index] as (typeof batch.columns)[number], row)]),
            )
            found.set(
              rowName(stored, cells, cells[tickColumn] as number),
              Object.fromEntries(Object.entries(stored.features).map(([name, { type }]) => [name, fromCell(type, cells[name] ?? null)])),
            )
          }
        }
        // At its tick a scheduled group has the value as of that moment.
        const atTick = { ...one, group: new FeatureGroup({ ...stored, refresh: live }), asKnown: false }
        const expected = new Map<string, unknown>()
        for (const key of one.keys) {
          for (let tick = from; tick < range.to; tick += every) {
            const answer = oracleAnswer(atTick, key, tick)
            if ('error' in answer) assert.fail('the backfill should have failed')
            else if (answer.status !== 'NOT_FOUND') expected.set(rowName(stored, key, tick), answer.values)
          }
        }
        assert.deepEqual(found, expected)
        const again = await backfillGroup(stored, offline, range)
        assert.deepEqual([again.rows, again.written], [0, []])
      } finally {
        await offline.close()
        await rm(path, { recursive: true })
      }
    }),
    { numRuns: runs(25) },
  )
})

function rowName(group: FeatureGroup, cells: Readonly<Record<string, Cell>>, tick: number): string {
  return [...Object.keys(group.entity.keys).map((key) => `${typeof cells[key]} ${String(cells[key])}`), tick].join('|')
}
