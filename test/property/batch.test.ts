import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { featureView } from '../../src/definition/index.ts'
import { LockstepError } from '../../src/errors.ts'
import { formatMoment } from '../../src/lib/moment.ts'
import { buildTrainingSet, labelsFrom } from '../../src/pointintime/index.ts'
import { oracleAnswer, runs } from '../support/oracle-answers.ts'
import { groupWithRows, publicValues, randomCase } from '../support/random-case.ts'

test('a training set has the values of the oracle, to the bit', { timeout: 600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(randomCase(), async (one) => {
      const { group, keys, moments, asKnown } = one
      const asked = keys.flatMap((key) => moments.map((moment) => ({ key, moment })))
      const expected = asked.map(({ key, moment }) => oracleAnswer(one, key, moment))
      const labels = asked.map(({ key, moment }) => ({ ...publicValues(group.entity.keys, key), label_at: formatMoment(moment) }))
      const view = featureView({ name: 'random', features: [groupWithRows(one)] })
      const found: unknown[] = []
      try {
        await using set = await buildTrainingSet(view, labelsFrom(labels, { moment: 'label_at' }), { asKnown })
        for await (const row of set) found.push(Object.fromEntries(Object.keys(group.features).map((name) => [name, (row as Record<string, unknown>)[name]])))
      } catch (error) {
        // An event that no label sees may raise too: the whole history is computed at once.
        if (error instanceof LockstepError && error.code === 'NUMBER_OUT_OF_RANGE') return fc.pre(false)
        throw error
      }
      assert.deepEqual(found, expected.map((answer) => ('error' in answer ? answer : answer.values)))
    }),
    { numRuns: runs(120) },
  )
})
