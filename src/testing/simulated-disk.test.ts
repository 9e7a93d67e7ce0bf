import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Disk } from '../lib/disk.ts'
import { SimulatedDisk } from './simulated-disk.ts'

const seeds = Array.from({ length: 200 }, (_, seed) => seed)

async function put(disk: Disk, path: string, position: number, text: string, sync: boolean): Promise<void> {
  const file = await disk.create(path)
  await file.write(position, Buffer.from(text))
  if (sync) await file.sync()
  await file.close()
}

async function content(disk: Disk, path: string): Promise<string | null> {
  const file = await disk.open(path)
  if (file === null) return null
  const bytes = Buffer.alloc(await file.size())
  await file.read(0, bytes)
  return bytes.toString('latin1')
}

test('what is synced outlives a crash, what is not may be lost, torn or there', async () => {
  const found = new Set<string>()
  for (const seed of seeds) {
    const disk = new SimulatedDisk(seed)
    const before = disk.process()
    await before.makeFolder('/f')
    await put(before, '/f/a', 0, 'synced', true)
    await before.syncFolder('/f')
    await put(before, '/f/a', 6, ` ${'x'.repeat(2000)}`, false)
    await put(before, '/f/a', 0, 'SY', false)
    disk.crash()
    await assert.rejects(before.list('/f'), { code: 'STORE_UNAVAILABLE' })
    const after = await content(disk.process(), '/f/a')
    assert.match(after ?? '', /^(sy|Sy|SY)nced/)
    const tail = after?.slice(6) ?? ''
    assert.match(tail, /^[ x\0]*$/)
    const kind = tail === '' ? 'lost' : tail.length === 2001 && !tail.includes('\0') ? 'there' : tail.includes('\0') ? 'with holes' : 'torn'
    found.add(`${after?.slice(0, 2)} ${kind}`)
  }
  for (const kind of ['sy lost', 'sy torn', 'sy with holes', 'sy there', 'SY there', 'SY lost'])
    assert.ok(found.has(kind), `${kind} of ${[...found]}`)
})

test('names outlive a crash once their folder is synced', async () => {
  const found = new Set<string>()
  for (const seed of seeds) {
    const disk = new SimulatedDisk(seed)
    const before = disk.process()
    await before.makeFolder('/f')
    await put(before, '/f/old', 0, 'old', true)
    await put(before, '/f/new', 0, 'new', true)
    await put(before, '/f/gone', 0, 'gone', true)
    await before.syncFolder('/f')
    await before.rename('/f/new', '/f/old')
    await before.remove('/f/gone')
    disk.crash()
    const after = disk.process()
    found.add(`${(await after.list('/f')).sort()}: ${await content(after, '/f/old')}`)
  }
  assert.deepEqual([...found].sort(), ['gone,new,old: old', 'gone,old: new', 'old: new'])
})

test('the death of a process loses nothing, and ends its locks', async () => {
  const disk = new SimulatedDisk(1)
  const [one, two] = [disk.process(), disk.process()]
  await one.makeFolder('/f')
  await put(one, '/f/a', 0, 'written', false)
  const [lock, other] = [await one.lock('/f/lock'), await two.lock('/f/lock')]
  assert.deepEqual([await lock.tryAcquire(), await lock.tryAcquire(), await other.tryAcquire()], [true, false, false])
  one.kill()
  assert.deepEqual([await other.tryAcquire(), await content(two, '/f/a')], [true, 'written'])
  await assert.rejects(one.open('/f/a'), { code: 'STORE_UNAVAILABLE' })
  await other.release()
  const third = await two.lock('/f/lock')
  assert.ok(await third.tryAcquire())
})

test('a crash comes after so many operations, and the same seed gives the same disk', async () => {
  const ends = new Set<string>()
  for (const run of [1, 2]) {
    const disk = new SimulatedDisk(42)
    const machine = disk.process()
    await machine.makeFolder('/f')
    disk.crashAfter(20)
    let done = 0
    await assert.rejects(async () => {
      for (; done < 100; done++) await put(machine, '/f/a', done * 100, `${done}`.repeat(40), done % 3 === 0)
    })
    assert.ok(run > 0 && done > 0 && done < 10)
    ends.add(`${done} ${await content(disk.process(), '/f/a')}`)
  }
  assert.equal(ends.size, 1)
})

test('operations can be made to fail', async () => {
  const disk = new SimulatedDisk(1)
  const machine = disk.process()
  await machine.makeFolder('/f')
  disk.before = (operation) => {
    if (operation === 'sync') throw new Error('no space')
  }
  await assert.rejects(put(machine, '/f/a', 0, 'a', true), /no space/)
  await put(machine, '/f/a', 0, 'b', false)
  assert.equal(await content(machine, '/f/a'), 'b')
})
