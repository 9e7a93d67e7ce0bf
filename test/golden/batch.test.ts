import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { featureView } from '../../src/definition/index.ts'
import { buildTrainingSet, labelsFrom } from '../../src/pointintime/index.ts'
import { aggregateCases } from './aggregates.ts'
import { expressionCases } from './expressions.ts'
import { groupWithHistory } from './golden-case.ts'
import { pointInTimeCases } from './point-in-time.ts'
import { ruleCases } from './rules.ts'
import { windowCases } from './windows.ts'

describe('training sets give the known answers', () => {
  for (const golden of [...windowCases, ...pointInTimeCases, ...ruleCases, ...aggregateCases, ...expressionCases]) {
    test(golden.name, async () => {
      const group = groupWithHistory(golden)
      const view = featureView({ name: 'golden', features: [group] })
      const labels = golden.reads.map(({ key, at }, place) => ({ ...key, label_at: at, place }))
      await using set = await buildTrainingSet(view, labelsFrom(labels, { moment: 'label_at' }), { asKnown: golden.asKnown })
      const answers: unknown[] = []
      for await (const row of set)
        answers.push(
          Object.fromEntries(['place', ...Object.keys(group.features)].map((name) => [name, (row as Record<string, unknown>)[name]])),
        )
      assert.deepEqual(
        answers,
        golden.reads.map(({ values }, place) => ({ place, ...values })),
      )
    })
  }
})
