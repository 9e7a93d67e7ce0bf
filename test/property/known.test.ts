import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { effectiveMoment, type FeatureGroup, featureView, onDemand, Selection } from '../../src/definition/index.ts'
import { LockstepError } from '../../src/errors.ts'
import { materializeGroup } from '../../src/materialize/index.ts'
import { memoryOnlineStore } from '../../src/online/drivers/memory.ts'
import { buildTrainingSet, labelsFrom } from '../../src/pointintime/index.ts'
import { t } from '../../src/schema/index.ts'
import { type Answer, type Keys, ViewReader } from '../../src/serving/index.ts'
import { answerFromHistory } from '../../src/store/history-answer.ts'
import { runs } from '../support/oracle-answers.ts'
import { groupWithRows, publicValues, type RandomCase, randomCase } from '../support/random-case.ts'

/** The group, what is computed from it on demand, and defaults of some of both. */
function viewOf(group: FeatureGroup) {
  const [first = ''] = Object.keys(group.features)
  const derived = onDemand({
    name: 'derived',
    request: { mood: t.oneOf('calm', 'throw') },
    from: [new Selection(group, { first_value: first }, { ...Selection.all(group).keys })],
    features: { is_there: t.boolean().nullable(), is_known: t.boolean().nullable() },
    compute: ({ first_value }: Record<string, unknown>, { mood }: Record<string, unknown>) => {
      if (mood === 'throw') throw new Error('a bad mood')
      const known = first_value === null ? null : true
      return { is_there: known, is_known: known }
    },
  })
  const numbers = Object.entries(group.features).filter(([, { type }]) => type.kind === 'integer' || type.kind === 'float')
  const numbersWithDefault = numbers.filter((_, index) => index % 2 === 0).map(([name]) => [name, 7])
  return featureView({
    name: 'random',
    features: [group, derived],
    defaults: { ...Object.fromEntries(numbersWithDefault), is_there: false },
  })
}

/** The rows that were known at a moment. */
function knownThen({ group, rows }: RandomCase, moment: number): RandomCase['rows'] {
  const { known, columns } = group.source
  if (known === null) return rows
  const micros = columns[known]?.kind === 'date' ? 86_400_000_000 : 1
  return rows.filter((row) => row[known] === null || (row[known] as number) * micros <= effectiveMoment(group.refresh, moment))
}

const seen = (answer: Answer) => ({
  cells: answer.cells,
  eventTimes: answer.eventTimes,
  statuses: Array.from({ length: answer.rows }, (_, row) =>
    answer.plan.output.map(({ name }, feature) => [name, answer.status(row, feature)]),
  ),
  failures: answer.failures.map(({ code }) => code),
})

test('what history answers as known then is what a store answers that was given what was known then', { timeout: 600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(randomCase(), fc.nat(), fc.boolean(), async (one, pick, throws) => {
      const moment = one.moments[pick % one.moments.length] as number
      const keys = one.keys.filter((key) => Object.values(key).every((cell) => cell !== null))
      const rows: Keys[] = keys.map((key) => publicValues(one.group.entity.keys, key))
      const requests = [{ mood: throws ? 'throw' : 'calm' }]
      const online = memoryOnlineStore()
      const then = groupWithRows({ ...one, rows: knownThen(one, moment) })
      try {
        await materializeGroup(then, online, { upto: moment })
        const reader = await ViewReader.open(viewOf(then), online)
        const expected = await reader.answer(rows, requests, moment, { onDemandErrors: 'mark' })
        const found = await answerFromHistory(
          viewOf(groupWithRows(one)),
          { rows, requests, moment, onDemandErrors: 'mark' },
          (view, labels, options) => buildTrainingSet(view, labelsFrom(labels, options), { asKnown: true }),
        )
        assert.deepEqual(seen(found), seen(expected))
      } catch (error) {
        if (error instanceof LockstepError && error.code === 'NUMBER_OUT_OF_RANGE') return fc.pre(false)
        throw error
      }
    }),
    // A smaller example takes minutes to find; the seed finds it again.
    { numRuns: runs(30), endOnFailure: true },
  )
})
