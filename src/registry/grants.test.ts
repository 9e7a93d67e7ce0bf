import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { allows, checkGrant, type Grant, grantFor, type Operation, operations, type Role, roles, showGrant, type Target } from './grants.ts'

test('every role against every operation', () => {
  const table = `
             read  push  write  define  deprecate  remove  forget  admin
    reader   yes   -     -      -       -          -       -       -
    writer   yes   yes   yes    -       -          -       -       -
    owner    yes   yes   yes    yes     yes        yes     -       -
    admin    yes   yes   yes    yes     yes        yes     yes     yes`
  const [header = [], ...rows] = table
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
  assert.deepEqual([header, rows.map(([role]) => role)], [Object.keys(operations), [...roles]])
  for (const [role, ...cells] of rows) {
    const grants: Grant[] = [{ role: role as Role, environment: 'dev', on: '*' }]
    for (const [at, operation] of header.entries()) {
      for (const on of ['group:orders', 'view:ranking', undefined]) {
        const target = on === undefined ? { environment: 'dev' } : { environment: 'dev', on }
        assert.equal(allows(grants, operation as Operation, target), cells[at] === 'yes', `${role} ${operation} ${on}`)
        assert.equal(allows(grants, operation as Operation, { ...target, environment: 'prod' }), false, `${role} ${operation} elsewhere`)
      }
    }
  }
  assert.equal(allows([], 'read', { environment: 'dev' }), false)
})

test('a grant is on what it says: all, a thing of a kind, or what has a tag; in its environment', () => {
  const target: Target = { environment: 'prod', on: 'group:orders', tags: ['money', 'core'] }
  const covers = (on: string, environment = 'prod') => allows([{ role: 'owner', environment, on }], 'define', target)
  assert.deepEqual(
    ['*', 'group:orders', 'tag:money', 'tag:core'].map((on) => covers(on)),
    [true, true, true, true],
  )
  assert.deepEqual(
    ['group:order', 'group:orders2', 'view:orders', 'tag:orders', 'tag:mon'].map((on) => covers(on)),
    Array(5).fill(false),
  )
  assert.deepEqual([covers('*', '*'), covers('group:orders', 'dev'), covers('*', 'pro')], [true, false, false])
})

test('what is done to an environment as a whole takes a role on all of it, but to read what is known', () => {
  const grants: Grant[] = [{ role: 'owner', environment: 'dev', on: 'group:orders' }]
  const all = Object.keys(operations) as Operation[]
  assert.deepEqual(
    all.filter((operation) => allows(grants, operation, { environment: 'dev' })),
    ['read'],
  )
  assert.equal(allows([{ role: 'owner', environment: 'dev', on: '*' }], 'define', { environment: 'dev' }), true)
  assert.equal(allows(grants, 'read', { environment: 'prod' }), false)
})

test('who may read all groups of a view may read it, and push to a source that only their groups read; no more', () => {
  const parts = [
    { on: 'group:orders', tags: ['money'] },
    { on: 'group:visits', tags: [] },
  ]
  const grants = (...ons: string[]): Grant[] => ons.map((on) => ({ role: 'owner', environment: '*', on }))
  const may = (ons: string[], operation: Operation, on: string, of = parts) =>
    allows(grants(...ons), operation, { environment: 'dev', on, tags: [], parts: of })
  assert.equal(may(['group:orders', 'group:visits'], 'read', 'view:ranking'), true)
  assert.equal(may(['tag:money', 'group:visits'], 'read', 'view:ranking'), true)
  assert.equal(may(['group:orders', 'group:visits'], 'push', 'source:events'), true)
  assert.equal(may(['group:orders'], 'read', 'view:ranking'), false)
  assert.equal(may(['tag:money'], 'push', 'source:events'), false)
  assert.equal(may([], 'read', 'view:ranking', []), false)
  for (const operation of ['write', 'define', 'deprecate', 'remove'] as const)
    assert.equal(may(['group:orders', 'group:visits'], operation, 'view:ranking'), false, operation)
})

test('more grants never allow less, and a higher role never less than a lower one', () => {
  const name = fc.constantFrom('a', 'b')
  const environment = fc.constantFrom('dev', 'prod')
  const on = fc.oneof(
    fc.constant('*'),
    fc.tuple(fc.constantFrom('group', 'view', 'tag'), name).map((parts) => parts.join(':')),
  )
  const grant = fc.record({ role: fc.constantFrom(...roles), environment: fc.oneof(fc.constant('*'), environment), on })
  const target = fc.record({
    environment,
    on: fc.tuple(fc.constantFrom('group', 'view'), name).map((parts) => parts.join(':')),
    tags: fc.array(name),
  })
  const operation = fc.constantFrom(...(Object.keys(operations) as Operation[]))
  fc.assert(
    fc.property(fc.array(grant, { maxLength: 4 }), grant, operation, target, (some, one, asked, what) => {
      const by = grantFor(some, asked, what)
      assert.equal(
        allows(some, asked, what),
        some.some((each) => allows([each], asked, what)),
      )
      if (by !== null) assert.ok(allows([...some, one], asked, what) && allows([by], asked, what))
      const higher = roles[Math.min(roles.indexOf(one.role) + 1, roles.length - 1)] as Role
      if (allows([one], asked, what)) assert.ok(allows([{ ...one, role: higher }], asked, what))
    }),
    { numRuns: 3000 },
  )
})

test('a grant that says nothing is refused', () => {
  const grant: Grant = { role: 'owner', environment: 'dev', on: 'group:orders' }
  for (const right of [{}, { on: '*' }, { on: 'tag:a-b' }, { environment: '*' }, { role: 'admin', on: '*' }] as const)
    checkGrant({ ...grant, ...right })
  for (const wrong of [
    { role: 'king' as Role },
    { on: 'orders' },
    { on: 'group:' },
    { on: 'tag:a b' },
    { on: 'feature:a' },
    { environment: '' },
  ])
    assert.throws(() => checkGrant({ ...grant, ...wrong }), { code: 'INVALID_ARGUMENT' })
  assert.throws(() => checkGrant({ ...grant, role: 'admin' }), { code: 'INVALID_ARGUMENT', message: /whole environment/ })
  assert.equal(showGrant(grant), 'owner of group:orders in dev')
  assert.equal(showGrant({ role: 'admin', environment: '*', on: '*' }), 'admin in all environments')
})
