import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../../../lib/clock.ts'
import { SimulatedDisk } from '../../../testing/simulated-disk.ts'
import { FairLock } from './fair-lock.ts'

const clock: Clock = { now: () => 0, sleep: () => setImmediate() }

test('a lock has one holder at a time, and those that come again at once starve nobody', async () => {
  const disk = new SimulatedDisk(1)
  await disk.process().makeFolder('/f')
  const turns: string[] = []
  let holders = 0
  const take = async (name: string) => {
    const lock = await FairLock.open(disk.process(), '/f/x', clock)
    for (let turn = 0; turn < 50; turn++) {
      await lock.hold(async () => {
        assert.equal(++holders, 1)
        turns.push(name)
        for (let wait = 0; wait < 5; wait++) await setImmediate()
        holders--
      })
    }
  }
  await Promise.all(['a', 'b', 'c'].map(take))
  const longest =
    turns
      .join('')
      .match(/(.)\1*/g)
      ?.reduce((most, { length }) => Math.max(most, length), 0) ?? 0
  assert.ok(longest <= 12, `one had ${longest} turns in a row: ${turns.join('')}`)
})

test('callers within a process take their turns, also after one that failed', async () => {
  const disk = new SimulatedDisk(1)
  const machine = disk.process()
  await machine.makeFolder('/f')
  const lock = await FairLock.open(machine, '/f/x', clock)
  const order: number[] = []
  const calls = [1, 2, 3].map((call) =>
    lock.hold(async () => {
      order.push(call)
      await setImmediate()
      order.push(call)
      if (call === 1) throw new RangeError('failed')
    }),
  )
  const results = await Promise.allSettled(calls)
  assert.deepEqual(
    [order, results.map(({ status }) => status)],
    [
      [1, 1, 2, 2, 3, 3],
      ['rejected', 'fulfilled', 'fulfilled'],
    ],
  )
})

test('who waits too long is told', async () => {
  const disk = new SimulatedDisk(1)
  const stopped = disk.process()
  await stopped.makeFolder('/f')
  await (await stopped.lock('/f/x.lock')).tryAcquire()
  const lock = await FairLock.open(disk.process(), '/f/x', { now: () => 0, sleep: () => Promise.resolve() })
  await assert.rejects(
    lock.hold(() => Promise.resolve()),
    { code: 'STORE_LOCKED', where: '/f/x' },
  )
  stopped.kill()
  assert.equal(await lock.hold(() => Promise.resolve('held')), 'held')
})
