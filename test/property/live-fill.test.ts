import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FeatureGroup, featureView, topic } from '../../src/definition/index.ts'
import { LockstepError } from '../../src/errors.ts'
import { materializeGroup } from '../../src/materialize/index.ts'
import { memoryOnlineStore } from '../../src/online/drivers/memory.ts'
import { onlineTable, recentTable, ViewReader } from '../../src/serving/index.ts'
import { LiveUnit, randomEventCase, randomOptions, randomSteps, textOf } from '../support/live-unit.ts'
import { oracleAnswer, runs } from '../support/oracle-answers.ts'
import { groupWithRows, publicValues } from '../support/random-case.ts'

test('a group filled from history goes on with its stream, and is served from memory and from the store', {
  timeout: 600_000,
}, async () => {
  const liveCase = randomEventCase.filter(({ group }) => group.refresh.kind === 'live')
  await fc.assert(
    fc.asyncProperty(liveCase, randomSteps, randomOptions, fc.nat(), fc.nat(), async (one, script, chosen, cut, pick) => {
      const { source } = one.group
      const stream = topic('random', { key: Object.values(one.group.keys) })
      const group = new FeatureGroup({ ...one.group, source: { ...source, stream } })
      const unit = new LiveUnit({ ...one, group }, chosen)
      const past = unit.log
        .slice(0, cut % (unit.log.length + 1))
        .map((arrival) => (source.known === null ? { ...arrival, known: -Infinity } : arrival))
      const upto = one.moments[pick % one.moments.length] as number
      const online = memoryOnlineStore()
      const history = groupWithRows({ group, rows: past.map(({ row }) => row) })
      const view = featureView({ name: 'random', features: [history] })
      await materializeGroup(history, online, { upto })
      for await (const { key, value } of online.scan(onlineTable(group))) unit.sealed.set(textOf(key), value)
      unit.begin(past, upto)
      for (const step of script) unit.run(step)
      unit.run({ step: 'apply', count: one.rows.length })
      for (const step of ['read', 'store', 'store', 'read'] as const) unit.run({ step })

      const version = Uint8Array.of(1)
      const rowsOf = (map: ReadonlyMap<string, Uint8Array>) =>
        [...map].map(([key, value]) => ({ key: Buffer.from(key, 'latin1'), version, value }))
      await online.write(onlineTable(group), rowsOf(unit.sealed))
      await online.write(recentTable(group), rowsOf(unit.recent))
      const stored = await ViewReader.open(view, online)
      const live = await ViewReader.open(view, online, { live: (_, key) => unit.live.read(textOf(key)) })
      for (const key of one.keys) {
        for (const moment of one.moments.filter((asked) => asked >= unit.horizon)) {
          const expected = oracleAnswer({ group: unit.judged, rows: unit.accepted, asKnown: false }, key, moment)
          for (const reader of [stored, live]) assert.deepEqual(answerOf(reader, publicValues(group.entity.keys, key), moment), expected)
        }
      }
    }),
    { numRuns: runs(20) },
  )
})

function answerOf(reader: ViewReader, key: Record<string, unknown>, moment: number): unknown {
  try {
    const [vector] = reader.readSync([key], [{}], moment)
    const status = Object.values(vector?.features ?? {})[0]?.status
    return { values: vector?.values, status: status === 'NULL' ? 'PRESENT' : status }
  } catch (error) {
    if (error instanceof LockstepError) return { error: error.code }
    throw error
  }
}
