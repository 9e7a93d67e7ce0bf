import { test } from 'node:test'
import fc from 'fast-check'
import { LiveUnit, randomEventCase, randomOptions, randomSteps } from '../support/live-unit.ts'
import { runs } from '../support/oracle-answers.ts'

test('live state in memory and as stored has the values of the oracle, whatever arrives when', { timeout: 600_000 }, () => {
  fc.assert(
    fc.property(randomEventCase, randomSteps, randomOptions, (one, script, options) => {
      const unit = new LiveUnit(one, options)
      for (const step of script) unit.run(step)
      unit.run({ step: 'apply', count: one.rows.length })
      for (const step of ['read', 'store', 'store', 'read', 'restart', 'read'] as const) unit.run({ step })
    }),
    { numRuns: runs(60) },
  )
})
