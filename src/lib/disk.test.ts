import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { localDisk } from './disk.ts'

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-disk-'))
  try {
    await work(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

test('files are written, read, cut, renamed and removed', async () => {
  await inFolder(async (root) => {
    const folder = join(root, 'a', 'b')
    assert.deepEqual(await localDisk.list(folder), [])
    await localDisk.makeFolder(folder)
    await localDisk.makeFolder(folder)
    const path = join(folder, 'file')
    assert.equal(await localDisk.open(path), null)
    const file = await localDisk.create(path)
    await file.write(4, Buffer.from('after'))
    await file.sync()
    await file.write(0, Buffer.from('four'))
    const again = await localDisk.create(path)
    const target = Buffer.alloc(20)
    assert.deepEqual([await again.size(), await again.read(2, target), target.toString('utf8', 0, 7)], [9, 7, 'urafter'])
    await again.truncate(4)
    assert.deepEqual([await file.read(0, target), await file.read(10, target)], [4, 0])
    await Promise.all([file.close(), again.close()])
    await localDisk.rename(path, join(folder, 'other'))
    await localDisk.syncFolder(folder)
    assert.deepEqual(await localDisk.list(folder), ['other'])
    await localDisk.remove(join(folder, 'other'))
    await localDisk.remove(join(folder, 'other'))
    assert.deepEqual(await localDisk.list(folder), [])
  })
})

test('reading leaves no trace', { skip: constants.O_NOATIME === undefined && 'the system notes every read' }, async () => {
  await inFolder(async (root) => {
    const path = join(root, 'file')
    const atime = async () => (await stat(path, { bigint: true })).atimeNs
    const written = await localDisk.create(path)
    const before = await atime()
    await written.write(0, new Uint8Array(500_000))
    await written.read(0, new Uint8Array(400_000))
    for (const file of [await localDisk.create(path), await localDisk.open(path)]) {
      assert.equal(await file?.read(0, new Uint8Array(500_000)), 500_000)
      assert.equal(await file?.read(0, new Uint8Array(5)), 5)
      await file?.close()
    }
    await written.close()
    assert.equal(await atime(), before)
  })
})

test('what fails is told with its place', async () => {
  await inFolder(async (root) => {
    const path = join(root, 'none', 'file')
    const refusal = { code: 'STORE_UNAVAILABLE', where: path }
    await assert.rejects(localDisk.create(path), refusal)
    await assert.rejects(localDisk.rename(join(root, 'none'), path), refusal)
    await assert.rejects(localDisk.lock(path), refusal)
    await (await localDisk.create(join(root, 'file'))).close()
    await assert.rejects(localDisk.list(join(root, 'file')), { code: 'STORE_UNAVAILABLE' })
    await assert.rejects(localDisk.makeFolder(join(root, 'file')), { code: 'STORE_UNAVAILABLE' })
  })
})

test('a lock has one holder, and ends with its process', async () => {
  await inFolder(async (root) => {
    const path = join(root, 'lock')
    const [one, two] = [await localDisk.lock(path), await localDisk.lock(path)]
    assert.deepEqual([await one.tryAcquire(), await one.tryAcquire(), await two.tryAcquire()], [true, false, false])
    await one.release()
    await one.release()
    assert.ok(await two.tryAcquire())
    await two.close()
    await two.close()
    const code = `
      const { localDisk } = await import(${JSON.stringify(import.meta.resolve('./disk.ts'))})
      const lock = await localDisk.lock(${JSON.stringify(path)})
      process.stdout.write(String(await lock.tryAcquire()))
      setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '--eval', code], { stdio: ['pipe', 'pipe', 'inherit'] })
    assert.equal(`${(await once(child.stdout, 'data'))[0]}`, 'true')
    assert.equal(await one.tryAcquire(), false)
    child.kill('SIGKILL')
    await once(child, 'close')
    assert.ok(await one.tryAcquire())
    await one.close()
  })
})
