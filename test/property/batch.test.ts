import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { featureView } from '../../src/definition/index.ts'
import { LockstepError } from '../../src/errors.ts'
import { formatMoment } from '../../src/lib/moment.ts'
import { buildTrainingSet, labelsFrom } from '../../src/pointintime/index.ts'
import { oracleAnswer, runs } from '../support/oracle-answers.ts'
import { groupWithRows, publicValues, randomCase } from '../support/random-case.ts'

test('a training set has the values of the oracle, to the bit, whole or in partitions', { timeout: 600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(randomCase(), fc.constantFrom(1, 1, 3), async (one, partitions) => {
      const { group, keys, moments, asKnown } = one
      const asked = keys.flatMap((key) => moments.map((moment) => ({ key, moment })))
      const expected = asked.map(({ key, moment }) => oracleAnswer(one, key, moment))
      const labels = asked.map(({ key, moment }) => ({ ...publicValues(group.entity.keys, key), label_at: formatMoment(moment) }))
      const view = featureView({ name: 'random', features: [groupWithRows(one)] })
      const found: unknown[] = []
      try {
        await using set = await buildTrainingSet(view, labelsFrom(labels, { moment: 'label_at' }), { asKnown, partitions })
        for await (const row of set)
          found.push(Object.fromEntries(Object.keys(group.features).map((name) => [name, (row as Record<string, unknown>)[name]])))
      } catch (error) {
        // An event that no label sees may raise too: the whole history is computed at once.
        if (error instanceof LockstepError && error.code === 'NUMBER_OUT_OF_RANGE') return fc.pre(false)
        throw error
      }
      assert.deepEqual(
        found,
        expected.map((answer) => ('error' in answer ? answer : answer.values)),
      )
    }),
    { numRuns: runs(120) },
  )
})

test('workers compute the same', async () => {
  for (const one of fc.sample(randomCase(), { numRuns: 4, seed: 7 })) {
    const labels = one.keys.flatMap((key) =>
      one.moments.map((moment) => ({ ...publicValues(one.group.entity.keys, key), label_at: formatMoment(moment) })),
    )
    const view = featureView({ name: 'random', features: [groupWithRows(one)] })
    const build = async (workers: number, partitions: number) => {
      await using set = await buildTrainingSet(view, labelsFrom(labels, { moment: 'label_at' }), { workers, partitions })
      const rows: unknown[] = []
      for await (const row of set) rows.push(row)
      return rows
    }
    assert.deepEqual(await build(2, 5), await build(1, 1))
  }
})
