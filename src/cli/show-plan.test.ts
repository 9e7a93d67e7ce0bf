import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GroupCost, Plan } from '../governance/index.ts'
import { showPlan } from './show-plan.ts'

const nothing: Plan = {
  format: 1,
  environment: 'dev',
  made: '2026-03-01T00:00:00Z',
  base: 1,
  baseHash: 'a',
  items: {},
  difference: {
    items: [
      {
        id: 'entity:user',
        kind: 'entity',
        name: 'user',
        version: 0,
        effect: 'added',
        previous: null,
        parts: [],
        properties: [],
        because: [],
        views: [],
      },
    ],
    stored: [],
  },
  kept: [],
  current: {},
  refusals: [],
  findings: [],
  deprecations: [],
  impact: { views: [], callers: [], models: [], trainingSets: [] },
  cost: [],
  comparisons: [],
  uncompared: [],
  similar: [],
}

test('what a plan left out is said in a line, with how it says more', () => {
  const cost = (group: string, from: GroupCost['from']): GroupCost => ({
    group,
    rows: 9,
    keys: 3,
    read: 0,
    seconds: 1,
    bytes: 9,
    from,
    note: '',
  })
  const groups = Array.from({ length: 7 }, (_, place) => `group_${place}@2`)
  const shown = showPlan({
    ...nothing,
    uncompared: groups,
    cost: groups.map((group, place) => cost(group, place === 0 ? 'sample' : 'others')),
  })
  assert.match(
    shown,
    /^Not compared, of 7 that changed: group_0@2, group_1@2, group_2@2, group_3@2, group_4@2, … \(lockstep plan --compare 7\)$/m,
  )
  assert.match(shown, /^Not measured: the cost of 6 groups \(lockstep plan --measure 7\)$/m)
  assert.match(shown, /group_1@2 .* as those that were measured$/m)
  assert.doesNotMatch(showPlan(nothing), /Not compared|Not measured/)
})

test('examples that are withheld are told, and so is that no key was there', () => {
  const shown = (keys: number) => {
    const email = { feature: 'email', compared: keys, different: 2, examples: [], withheld: { examples: 2, why: 'pii' } }
    const comparison = { keys, features: [email], added: [], removed: [], skipped: [] }
    return showPlan({ ...nothing, comparisons: [{ kind: 'group', group: 'users@2', before: 'users@1', comparison, note: '' }] })
  }
  assert.match(shown(4), /^email +50\.0 % +2 examples not shown: pii$/m)
  assert.match(shown(0), /^users@1 → users@2\nno key could be compared: history has none$/m)
})
