import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { balance } from './balance.ts'

const member: fc.Arbitrary<string> = fc.constantFrom('a', 'b', 'c', 'd', 'e')
const group = fc.record({
  owners: fc.array(fc.option(member), { minLength: 1, maxLength: 12 }),
  members: fc.uniqueArray(member, { minLength: 1 }),
})
const count = (owners: readonly (string | null)[], each: string) => owners.filter((owner) => owner === each).length

test('shares differ by one at most, and every partition has one of the members', () => {
  fc.assert(
    fc.property(group, ({ owners, members }) => {
      const should = balance(owners, members)
      const counts = members.map((each) => count(should, each))
      assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, `${counts}`)
      assert.ok(should.every((owner) => owner !== null && members.includes(owner)))
    }),
  )
})

test('as few partitions as can be change hands', () => {
  fc.assert(
    fc.property(group, ({ owners, members }) => {
      const should = balance(owners, members)
      const kept = owners.filter((owner, at) => owner !== null && should[at] === owner).length
      const least = Math.floor(owners.length / members.length)
      let larger = owners.length % members.length
      // Each may keep the smaller share, and as many as there are larger shares may keep one more.
      const most = members
        .map((each) => count(owners, each))
        .reduce((sum, has) => sum + Math.min(has, has > least && larger-- > 0 ? least + 1 : least), 0)
      assert.equal(kept, most)
    }),
  )
})

test('one after the other the members let go and take, until all is as it should be', () => {
  fc.assert(
    fc.property(group, fc.array(fc.nat()), ({ owners, members }, turns) => {
      const now = owners.map((owner) => (owner !== null && members.includes(owner) ? owner : null))
      // Who gives, who takes, and who had to wait for another to give: three looks each, whatever came before.
      const whole = [...turns.map((turn) => members[turn % members.length]), ...members, ...members, ...members]
      for (const each of whole) {
        for (const [at, owner] of balance(now, members).entries()) {
          if (now[at] === each && owner !== each) now[at] = null
          else if (now[at] === null && owner === each) now[at] = each ?? null
        }
      }
      assert.deepEqual(balance(now, members), now)
      assert.ok(!now.includes(null))
    }),
  )
})

test('nobody has anything where there is no member', () => {
  assert.deepEqual(balance(['a', null, 'b'], []), [null, null, null])
})
