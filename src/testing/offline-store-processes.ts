import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Case, type OfflineStoreUnderTest, rowsFrom, target } from './offline-store-rows.ts'
import { intervalRows, intervalValues, type OfflineWriterPlan, written } from './offline-store-writer.ts'

const writer = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './offline-store-writer.ts' : './offline-store-writer.js', import.meta.url),
)

/** Cases with processes of their own, for stores that are shared by them. */
export const offlineProcessCases: Record<string, Case> = {
  'a writer killed at any moment leaves whole intervals, and a store that can be written': async (under, context) => {
    const { durable, sharedByProcesses } = under.store.capabilities
    if (!durable || !sharedByProcesses) return context.skip('not durable and shared by processes')
    const { store } = under
    let done = 0
    for (let kill = 0; kill < 6; kill++) {
      const other = await startWriter(under, done, done + 10_000)
      const moment = Math.random() * 250
      await setTimeout(moment)
      other.process.kill('SIGKILL')
      await other.ended
      const told = `killed after ${moment} ms, ${other.written()} intervals`
      const written = (await store.intervals(target)).length
      assert.ok(written === done + other.written() || written === done + other.written() + 1, `${written} intervals, ${told}`)
      assert.deepEqual(await store.verify(target), [], told)
      assert.equal(
        (await rowsFrom(store.read(target))).length,
        Array.from({ length: written }, (_, number) => intervalRows(number).length).reduce((a, b) => a + b, 0),
        told,
      )
      if (written > 0) assert.equal((await store.write(target, intervalValues(written - 1))).status, 'unchanged', told)
      assert.equal((await store.write(target, intervalValues(written))).status, 'written', told)
      done = written + 1
    }
    assert.deepEqual(await rowsFrom(store.read(target)), Array.from({ length: done }, (_, number) => intervalRows(number)).flat())
  },

  'of two processes one writes at a time, and the other is told': async (under, context) => {
    if (!under.store.capabilities.sharedByProcesses) return context.skip('not shared by processes')
    const { store } = under
    const other = await startWriter(under, 0, 10_000)
    let refused = 0
    for (const deadline = Date.now() + 20_000; refused < 3 && Date.now() < deadline; ) if (!(await written(store, 20_000))) refused++
    assert.equal(refused, 3)
    other.process.kill('SIGKILL')
    await other.ended
    assert.ok(await written(store, 20_000), 'the lock of a killed writer is no longer held')
    assert.deepEqual(await store.verify(target), [])
  },
}

interface Writer {
  readonly process: ChildProcess
  /** How many intervals it has written. */
  readonly written: () => number
  readonly ended: Promise<unknown>
}

/** A process that has opened the store and writes the intervals. */
async function startWriter({ elsewhere }: OfflineStoreUnderTest, first: number, last: number): Promise<Writer> {
  assert.ok(elsewhere, 'a store that is shared by processes is tested with `elsewhere`')
  const plan: OfflineWriterPlan = { ...elsewhere, first, last }
  const options = process.execArgv.filter((option) => !option.startsWith('--test'))
  const child = spawn(process.execPath, [...options, writer, JSON.stringify(plan)], { stdio: ['pipe', 'pipe', 'inherit'] })
  let written = 0
  const lines = createInterface(child.stdout)
  const ready = once(lines, 'line')
  const ended = once(child, 'close')
  const [started] = (await Promise.race([ready, ended])) as [unknown]
  assert.equal(started, 'ready', 'the process has opened the store')
  lines.on('line', () => written++)
  return { process: child, written: () => written, ended }
}
