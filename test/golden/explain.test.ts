import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { featureView } from '../../src/definition/index.ts'
import { momentMicros } from '../../src/lib/moment.ts'
import { type AggregateExplanation, explainFeature } from '../../src/pointintime/index.ts'
import { type GoldenCase, type GoldenRead, groupWithHistory } from './golden-case.ts'
import { pointInTimeCases } from './point-in-time.ts'
import { ruleCases } from './rules.ts'
import { windowCases } from './windows.ts'

describe('explanations give the known answers', () => {
  for (const golden of [...windowCases, ...pointInTimeCases, ...ruleCases]) {
    test(golden.name, async () => {
      // Each moment once, with one feature after the other: an explanation reads the history of its own.
      for (const [index, read] of golden.reads.entries()) {
        const names = Object.keys(read.values)
        await checkExplanation(golden, read, names[index % names.length] as string)
      }
    })
  }
})

async function checkExplanation(golden: GoldenCase, read: GoldenRead, feature: string) {
  const view = featureView({ name: 'golden', features: [groupWithHistory(golden)] })
  const keys = Object.fromEntries(Object.keys(view.keys).map((name) => [name, read.key[name]]))
  const explanation = await explainFeature(view, feature, keys, {
    asOf: momentMicros(read.at),
    asKnown: golden.asKnown,
    limit: 1000,
    threads: 1,
  })
  const value = read.values[feature] ?? null
  assert.deepEqual(
    { value: explanation.value, status: explanation.status, isJson: JSON.parse(JSON.stringify(explanation)) },
    { value, status: read.status === 'PRESENT' && value === null ? 'NULL' : read.status, isJson: explanation },
  )
  if (explanation.kind === 'events') for (const aggregate of explanation.aggregates) checkAggregate(aggregate)
}

/** What is told of the events fits the bounds that are told, and the value where it is their number. */
function checkAggregate({ definition, value, window, inside, outside }: AggregateExplanation) {
  const from = window.from === null ? Number.NEGATIVE_INFINITY : momentMicros(window.from)
  const to = momentMicros(window.to)
  const times = (events: readonly { readonly time: string }[]) => events.map(({ time }) => momentMicros(time))
  for (const time of times([...inside.newest, ...outside.within.nearest]))
    assert.ok(from <= time && time < to, `${definition}: ${time} in its window`)
  for (const time of times(outside.before.nearest)) assert.ok(time < from || definition.includes('since'), `${definition}: ${time} before`)
  for (const time of times(outside.after.nearest)) assert.ok(time >= to, `${definition}: ${time} after`)
  for (const { count, nearest } of Object.values(outside)) assert.equal(nearest.length, count)
  assert.equal(inside.newest.length, inside.count)
  assert.deepEqual(inside.newest.at(-1) ?? null, inside.oldest)
  if (definition.startsWith('count(')) assert.equal(inside.count, value)
}
