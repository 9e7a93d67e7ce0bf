import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { featureView } from '../../src/definition/index.ts'
import { LockstepError } from '../../src/errors.ts'
import { materializeGroup } from '../../src/materialize/index.ts'
import { memoryOnlineStore } from '../../src/online/drivers/memory.ts'
import { ViewReader } from '../../src/serving/index.ts'
import { oracleAnswer, runs } from '../support/oracle-answers.ts'
import { groupWithRows, publicValues, randomCase } from '../support/random-case.ts'

test('vectors from the online store have the values of the oracle from the moment of materializing on, to the bit', {
  timeout: 600_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(randomCase(), fc.nat(), async (one, pick) => {
      const { group, keys, moments } = one
      const upto = moments[pick % moments.length] as number
      const { source } = group
      const micros = source.columns[source.time]?.kind === 'date' ? 86_400_000_000 : 1
      const latest = { ...one, asKnown: false }
      const online = memoryOnlineStore()
      const stored = groupWithRows(one)
      const view = featureView({ name: 'random', features: [stored] })
      try {
        await materializeGroup(stored, online, { upto })
      } catch (error) {
        if (error instanceof LockstepError && error.code === 'NUMBER_OUT_OF_RANGE') return fc.pre(false)
        throw error
      }
      const reader = await ViewReader.open(view, online)
      const later = one.rows.map((row) => (row[source.time] as number) * micros).filter((time) => time >= upto)
      for (const key of keys) {
        for (const moment of moments) {
          // Events at or after the end were not given to the store: moments that would see one are not its to answer.
          if (source.kind === 'events' && later.some((time) => time < moment)) continue
          let found: unknown
          try {
            const [vector] = reader.readSync([publicValues(group.entity.keys, key)], [{}], moment)
            const status = Object.values(vector?.features ?? {})[0]?.status
            found = { values: vector?.values, status: status === 'NULL' ? 'PRESENT' : status }
          } catch (error) {
            if (!(error instanceof LockstepError)) throw error
            if (error.code === 'READ_BEFORE_STATE' && moment < upto) continue
            found = { error: error.code }
          }
          assert.deepEqual(found, oracleAnswer(latest, key, moment))
        }
      }
    }),
    { numRuns: runs(150) },
  )
})
