import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { WindowData } from '../definition/index.ts'
import { shortDuration, windowPart } from './explain-window.ts'

const boolean = { kind: 'boolean', nullable: false } as const
const windows: readonly WindowData[] = [
  { kind: 'lifetime', delay: 0 },
  { kind: 'lifetime', delay: 3 },
  { kind: 'sliding', length: 10, resolution: 0, delay: 0 },
  { kind: 'sliding', length: 10, resolution: 4, delay: 2 },
  { kind: 'tumbling', length: 7, part: 'current', delay: 0 },
  { kind: 'tumbling', length: 7, part: 'last', delay: 1 },
  { kind: 'session', gap: 5, delay: 0 },
  { kind: 'session', gap: 5, delay: 4 },
  { kind: 'since', condition: { node: 'column', name: 'gift', type: boolean }, delay: 0 },
]
const times = fc.array(fc.integer({ min: -40, max: 40 }), { maxLength: 12 }).map((all) => Float64Array.from(all).sort())

describe('the bounds that are told are those of the events that are counted', () => {
  for (const window of windows) {
    test(JSON.stringify(window), () => {
      fc.assert(
        fc.property(times, fc.infiniteStream(fc.boolean()), fc.integer({ min: -50, max: 50 }), (at, stream, moment) => {
          const matches = Array.from(at, () => stream.next().value === true)
          const { low, high, from, to, reason, whyBefore } = windowPart(window, at, (position) => matches[position] === true, moment)
          const held = [...at.keys()].filter((position) => (from ?? -Infinity) <= (at[position] as number) && (at[position] as number) < to)
          // An event that a since window begins after is of the moment at which it begins, and so may be others before it.
          const counted = window.kind === 'since' ? held.filter((position) => position >= low) : held
          assert.deepEqual(counted, [...at.keys()].slice(low, high))
          if (window.kind === 'since' && from !== null) assert.equal(at[low - 1], from)
          assert.notEqual(reason, '')
          for (let position = 0; position < low; position++) assert.notEqual(whyBefore(position), '')
        }),
        { numRuns: 300 },
      )
    })
  }
})

test('a length of time in its two largest units', () => {
  const day = 86_400_000_000
  assert.deepEqual([1, 61_000_000, day, day + 1, 30 * day + 3_600_000_000 + 5].map(shortDuration), ['1us', '1m1s', '1d', '1d1us', '30d1h'])
})
