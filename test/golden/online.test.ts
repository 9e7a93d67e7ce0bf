import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { featureView } from '../../src/definition/index.ts'
import { momentMicros } from '../../src/lib/moment.ts'
import { materializeGroup } from '../../src/materialize/index.ts'
import { memoryOnlineStore } from '../../src/online/drivers/memory.ts'
import { ViewReader } from '../../src/serving/index.ts'
import { aggregateCases } from './aggregates.ts'
import { expressionCases } from './expressions.ts'
import { type GoldenRead, groupWithHistory } from './golden-case.ts'
import { pointInTimeCases } from './point-in-time.ts'
import { ruleCases } from './rules.ts'
import { windowCases } from './windows.ts'

/** The online store knows what is known now: reads as known at another moment are for history. */
const cases = [...windowCases, ...pointInTimeCases, ...ruleCases, ...aggregateCases, ...expressionCases].filter(({ asKnown }) => !asKnown)

describe('vectors from the online store give the known answers', () => {
  for (const golden of cases) {
    test(golden.name, async () => {
      const group = groupWithHistory(golden)
      const view = featureView({ name: 'golden', features: [group] })
      const answers: GoldenRead[] = []
      for (const { key, at } of golden.reads) {
        const online = memoryOnlineStore()
        await materializeGroup(group, online, { upto: momentMicros(at) })
        const reader = await ViewReader.open(view, online)
        const own = Object.fromEntries(Object.keys(group.entity.keys).map((name) => [name, key[name]]))
        const [vector] = reader.readSync([own], [{}], momentMicros(at))
        const status = Object.values(vector?.features ?? {})[0]?.status as string
        answers.push({ key, at, values: vector?.values ?? {}, status: status === 'NULL' ? 'PRESENT' : (status as GoldenRead['status']) })
      }
      assert.deepEqual(answers, golden.reads)
    })
  }
})
