import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { type Clock, systemClock } from '../../../lib/clock.ts'
import { type Disk, type DiskLock, localDisk } from '../../../lib/disk.ts'
import { seededRandom } from '../../../lib/seeded-random.ts'
import { SimulatedDisk, type SimulatedProcess } from '../../../testing/simulated-disk.ts'
import type { Consumer, EventLog } from '../../log.ts'
import { segmentsEventLog } from '../segments.ts'
import { Group } from './group.ts'
import { Membership } from './membership.ts'

/** Time goes as fast as the processes do; it jumps at times, which must not make anyone look dead. */
function jumpingClock(random: (below: number) => number): Clock {
  let now = 1_700_000_000_000_000
  return {
    now: () => {
      now += random(50) === 0 ? random(7_200_000_000) - 3_600_000_000 : 1000
      return now
    },
    sleep: () => setImmediate(),
  }
}

/** A process that reads, and what it has. */
class Reader {
  readonly machine: SimulatedProcess
  readonly log: EventLog
  readonly has = new Set<number>()
  consumer: Consumer | null = null
  dead = false

  constructor(machine: SimulatedProcess, log: EventLog) {
    this.machine = machine
    this.log = log
  }
}

async function withSeed(seed: number): Promise<void> {
  const random = seededRandom(seed)
  const clock = jumpingClock(random)
  const disk = new SimulatedDisk(seed)
  const partitions = 1 + random(6)
  const readers: Reader[] = []
  const started: Promise<void>[] = []
  const living = () => readers.filter(({ dead }) => !dead)
  const pause = async () => {
    for (let wait = random(60); wait > 0; wait--) await setImmediate()
  }
  const start = async () => {
    const machine = disk.process()
    const reader = new Reader(machine, segmentsEventLog({ path: '/log', disk: machine, clock }))
    readers.push(reader)
    reader.consumer = await reader.log.consume('t', {
      group: 'g',
      assigned: async (some) => {
        await pause()
        for (const partition of reader.dead ? [] : some) {
          const other = living().find(({ has }) => has.has(partition))
          assert.equal(other, undefined, `seed ${seed}: partition ${partition} is still another's`)
          reader.has.add(partition)
        }
        return new Map(some.map((partition) => [partition, 0]))
      },
      revoked: async (some) => {
        await pause()
        for (const partition of some) assert.ok(reader.has.delete(partition) || reader.dead, `seed ${seed}: ${partition} was its own`)
      },
    })
  }
  const first = disk.process()
  await segmentsEventLog({ path: '/log', disk: first, clock }).createTopic('t', partitions)
  for (let step = 0; step < 12; step++) {
    const chosen = living()[random(living().length)]
    const kind = random(3)
    if (chosen === undefined || kind === 0) {
      started.push(start().catch(ignoreDeath))
    } else if (kind === 1) {
      chosen.dead = true
      chosen.machine.kill()
    } else if (chosen.consumer !== null) {
      await chosen.log.close()
      assert.equal(chosen.has.size, 0, `seed ${seed}: all was revoked before the close ended`)
      chosen.dead = true
    }
    await pause()
  }
  await Promise.all(started)
  if (living().length === 0) await start()
  const share = () => living().map(({ consumer, has }) => ((consumer?.assignment ?? []).length === has.size ? has.size : -1))
  const settled = () => share().reduce((sum, count) => sum + count, 0) === partitions && Math.max(...share()) - Math.min(...share()) <= 1
  for (let wait = 0; !settled(); wait++) {
    assert.ok(wait < 20_000, `seed ${seed}: ${share()} of ${partitions} at last`)
    await setImmediate()
  }
  for (const { log } of living()) await log.close()
}

test("partitions are one reader's at a time and soon somebody's, whoever comes, goes or dies", async () => {
  for (let seed = 1; seed <= 30; seed++) await withSeed(seed)
})

test('what dead members have left is cleared away', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-group-'))
  try {
    const locks: DiskLock[] = []
    const disk: Disk = {
      ...localDisk,
      lock: async (path) => {
        const lock = await localDisk.lock(path)
        locks.push(lock)
        return lock
      },
    }
    const dying = await Group.open(disk, folder, 'g', 1, systemClock)
    const member = await dying.change(async (state) => (await dying.enrol(state)).member)
    // As the end of its process does.
    for (const lock of locks) await lock.close()
    const files = async () => (await readdir(join(folder, 'groups'))).filter((name) => name.endsWith('.member'))
    assert.deepEqual(await files(), [`g.${member}.member`])
    const next = await Membership.join(await Group.open(localDisk, folder, 'g', 1, systemClock), systemClock, 1000)
    assert.deepEqual(await files(), [`g.${next.member}.member`])
    await next.leave()
    assert.deepEqual(await files(), [])
  } finally {
    await rm(folder, { recursive: true })
  }
})

function ignoreDeath(error: unknown): void {
  if ((error as { code?: string }).code !== 'STORE_UNAVAILABLE') throw error
}
