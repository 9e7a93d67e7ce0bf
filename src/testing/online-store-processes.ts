import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { OnlineStore } from '../online/index.ts'
import { type Case, type OnlineStoreUnderTest, readAll } from './online-store-rows.ts'
import { stepRows, stepValue, type WriterPlan } from './online-store-writer.ts'

const writer = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './online-store-writer.ts' : './online-store-writer.js', import.meta.url),
)
const keys = 4500
const names = Array.from({ length: keys }, (_, at) => `key ${at}`)

/** Cases with processes of their own, for stores that are shared by them. */
export const processCases: Record<string, Case> = {
  'rows of another process are read while it writes them': async (under, context) => {
    if (!under.store.capabilities.sharedByProcesses) return context.skip('not shared by processes')
    const { store } = under
    const other = await startWriter(under, { first: 1, last: 10, by: 1 })
    const seen = new Array<number>(keys).fill(0)
    while (other.written() < 10) {
      for (const [at, step] of (await steps(store)).entries()) {
        assert.ok(step >= (seen[at] as number), `key ${at} went back from ${seen[at]} to ${step}`)
        seen[at] = step
      }
      await setTimeout(1)
    }
    await other.ended
    assert.deepEqual(new Set(await steps(store)), new Set([10]))
  },

  'of the rows of two processes at once the newest remain': async (under, context) => {
    if (!under.store.capabilities.sharedByProcesses) return context.skip('not shared by processes')
    const { store } = under
    const other = await startWriter(under, { first: 1, last: 29, by: 2 })
    let ended = false
    void other.ended.then(() => {
      ended = true
    })
    let mine = 0
    while (!ended) {
      mine += 2
      await store.write('t', stepRows(keys, mine))
      const least = Math.min(...(await steps(store)))
      assert.ok(least >= mine, `${least} is there after ${mine} was written`)
    }
    assert.equal(other.written(), 29)
    assert.deepEqual(new Set(await steps(store)), new Set([Math.max(mine, 29)]))
  },

  'a writer killed at any moment leaves whole rows, and a store that can be written': async (under, context) => {
    const { durable, sharedByProcesses } = under.store.capabilities
    if (!durable || !sharedByProcesses) return context.skip('not durable and shared by processes')
    const { store, reopen } = under
    assert.ok(reopen, 'a durable store is tested with `reopen`')
    let done = 0
    for (let kill = 0; kill < 5; kill++) {
      const other = await startWriter(under, { first: done + 1, last: done + 10_000, by: 1 })
      const moment = Math.random() * 80
      await setTimeout(moment)
      other.process.kill('SIGKILL')
      await other.ended
      const [least, most] = [Math.max(done, other.written()), Math.max(done, other.written()) + 1]
      for (const step of await steps(store)) assert.ok(step === least || step === most, `${step} after ${least}, killed at ${moment} ms`)
      await store.write('t', stepRows(keys, most))
      assert.deepEqual(new Set(await steps(store)), new Set([most]))
      done = most
    }
    await store.close()
    const again = await reopen()
    try {
      assert.deepEqual(new Set(await steps(again)), new Set([done]))
    } finally {
      await again.close()
    }
  },
}

/** The step as of which each row is; 0 before the first. Each is whole. */
async function steps(store: OnlineStore): Promise<number[]> {
  const values = await readAll(store, 't', names)
  return values.map((value, at) => {
    const step = Number.parseInt(value ?? '0', 10)
    if (value !== null) assert.equal(value, stepValue(`key ${at}`, step))
    return step
  })
}

interface Writer {
  readonly process: ChildProcess
  /** The last step that it has written. */
  readonly written: () => number
  readonly ended: Promise<unknown>
}

/** A process that has opened the store and writes the steps. */
async function startWriter({ elsewhere }: OnlineStoreUnderTest, steps: WriterPlan['steps']): Promise<Writer> {
  assert.ok(elsewhere, 'a store that is shared by processes is tested with `elsewhere`')
  const plan: WriterPlan = { ...elsewhere, table: 't', keys, steps }
  const options = process.execArgv.filter((option) => !option.startsWith('--test'))
  const child = spawn(process.execPath, [...options, writer, JSON.stringify(plan)], { stdio: ['pipe', 'pipe', 'inherit'] })
  let written = 0
  const lines = createInterface(child.stdout)
  lines.on('line', (line) => {
    written = Number(line)
  })
  const ended = once(child, 'close')
  const [first] = (await Promise.race([once(lines, 'line'), ended])) as [unknown]
  assert.equal(first, 'ready', 'the process has opened the store')
  written = 0
  return { process: child, written: () => written, ended }
}
