import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Claim, deal } from './assignment.ts'

const claim = (member: string, partitions: number[], generation = 1): Claim => ({ member, partitions, generation })
const dealt = (claims: readonly Claim[], partitions: number) => Object.fromEntries(deal(claims, partitions))

test('what has to change hands goes to nobody first', () => {
  assert.deepEqual(dealt([claim('a', [0, 1, 2, 3]), claim('b', [])], 4), { a: [0, 1], b: [] })
  assert.deepEqual(dealt([claim('a', [0, 1]), claim('b', [])], 4), { a: [0, 1], b: [2, 3] })
})

test('of two who claim a partition the one who was dealt it last has it', () => {
  assert.deepEqual(dealt([claim('a', [0], 4), claim('b', [0, 1], 5)], 2), { b: [0], a: [] })
})

test('dealing comes to rest: even shares, nothing moved without need, never two owners at a time', () => {
  const group = fc.record({
    partitions: fc.integer({ min: 1, max: 40 }),
    before: fc.integer({ min: 1, max: 6 }),
    changes: fc.array(fc.record({ leave: fc.boolean(), who: fc.nat(100) }), { minLength: 1, maxLength: 8 }),
  })
  fc.assert(
    fc.property(group, ({ partitions, before, changes }) => {
      let next = 0
      const held = new Map<string, number[]>()
      const join = () => held.set(`m${next++}`, [])
      for (let count = 0; count < before; count++) join()
      const settle = (): number => {
        for (let rounds = 0; ; rounds++) {
          const shares = deal(
            [...held].map(([member, mine]) => claim(member, mine)),
            partitions,
          )
          let same = true
          for (const [member, mine] of held) {
            const share = shares.get(member) ?? []
            const others = [...held].filter(([other]) => other !== member).flatMap(([, theirs]) => theirs)
            for (const partition of share) assert.ok(!others.includes(partition), `${partition} has two owners`)
            if (share.join() !== [...mine].sort((a, b) => a - b).join()) same = false
          }
          if (same) return rounds
          for (const [member, share] of shares) held.set(member, share)
        }
      }
      settle()
      for (const { leave, who } of changes) {
        const members = [...held.keys()]
        const owners = new Map([...held].flatMap(([member, mine]) => mine.map((partition) => [partition, member] as const)))
        const goes = members[who % members.length] as string
        if (leave && members.length > 1) held.delete(goes)
        else join()
        assert.ok(settle() <= 2)
        const sizes = [...held.values()].map(({ length }) => length)
        assert.equal(
          sizes.reduce((sum, size) => sum + size, 0),
          partitions,
        )
        assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1)
        const moved = [...held].flatMap(([member, mine]) => mine.filter((partition) => owners.get(partition) !== member)).length
        const needed = leave && members.length > 1 ? [...owners.values()].filter((member) => member === goes).length : Math.min(...sizes)
        assert.ok(moved <= needed, `${moved} moved, ${needed} had to`)
      }
    }),
  )
})
