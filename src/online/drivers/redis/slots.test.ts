import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tableFamily } from '../../family.ts'
import { Layout } from './layout.ts'
import { slotOf } from './slots.ts'

const slot = (key: string) => slotOf(Buffer.from(key))

test('slots are those of the specification of Redis Cluster', () => {
  assert.equal(slot('123456789'), 0x31c3)
  assert.equal(slot('{user1000}.following'), slot('user1000'))
  assert.equal(slot('foo{{bar}}zap'), slot('{bar'))
  assert.equal(slot('foo{bar}{zap}'), slot('bar'))
  for (const whole of ['foo{}{bar}', 'foo{bar', 'foo}bar{']) assert.notEqual(slot(whole), slot('bar'))
  assert.equal(slot(''), 0)
})

test('a family of tables shares a slot, and every name is found again in its keys', () => {
  const layouts = [false, true].map((spread) => new Layout('p', { cluster: true, spread }))
  const names = ['a', 'a:b', 'a:b:c', ':a', '::', '::a:b', 'user_orders@12:recent']
  for (const layout of layouts) {
    for (const name of names) {
      for (const key of [layout.text(name), `${layout.rows(name)}x/#{y}`]) assert.equal(layout.tableOf(key), name)
    }
  }
  assert.deepEqual(names.map(tableFamily), ['a', 'a', 'a', ':a', '::', '::a', 'user_orders@12'])
  const [together] = layouts as [Layout]
  for (const name of names) {
    assert.equal(together.slotIn(name, `${together.rows(name)}{other}`), slot(tableFamily(name)))
    assert.equal(together.slot(together.text(name)), slot(tableFamily(name)))
  }
})
