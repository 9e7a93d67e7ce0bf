import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { OnlineStore } from '../online/index.ts'
import { type Case, type OnlineStoreUnderTest, readAll } from './online-store-rows.ts'
import { commitStep, stepOf, stepRows, stepValue, type WriterPlan } from './online-store-writer.ts'

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

  'of two processes that commit from the same text one succeeds, each time': async (under, context) => {
    const { sharedByProcesses, transactions } = under.store.capabilities
    if (!sharedByProcesses || !transactions) return context.skip('no transactions shared by processes')
    const { store } = under
    const [few, last] = [20, 200]
    const other = await startWriter(under, { first: 1, last, by: 1 }, { commitAs: 'the other' }, few)
    const [mine, lost]: [number[], number[]] = [[], []]
    while (other.written() === 0) await setTimeout(1)
    while (stepOf(await store.readMeta('t')) < last) {
      const step = await commitStep(store, 't', few, 'this one')
      const text = await store.readMeta('t')
      if (step === null) lost.push(stepOf(text))
      else mine.push(step)
    }
    await other.ended
    const all = [...mine, ...other.steps()].sort((a, b) => a - b)
    assert.deepEqual(
      all.filter((step) => step <= last),
      Array.from({ length: last }, (_, at) => at + 1),
    )
    assert.ok(mine.length > 0 && other.steps().length > 0 && lost.length > 0, 'they raced')
    const final = stepOf(await store.readMeta('t'))
    for (const table of ['t', 't:2']) assert.deepEqual(new Set(await steps(store, table, few)), new Set([final]))
  },

  'a process killed amid commits leaves each whole or not made': async (under, context) => {
    const { durable, sharedByProcesses, transactions } = under.store.capabilities
    if (!durable || !sharedByProcesses || !transactions) return context.skip('no durable transactions shared by processes')
    const { store } = under
    let done = 0
    for (let kill = 0; kill < 4; kill++) {
      const other = await startWriter(under, { first: 1, last: 1e9, by: 1 }, { commitAs: 'the other' })
      const moment = Math.random() * 150
      await setTimeout(moment)
      other.process.kill('SIGKILL')
      await other.ended
      const step = stepOf(await store.readMeta('t'))
      const least = Math.max(done, other.written())
      assert.ok(step === least || step === least + 1, `${step} after ${least}, killed at ${moment} ms`)
      for (const table of ['t', 't:2']) {
        assert.deepEqual(new Set(await steps(store, table)), new Set([step]), `of ${table} after ${step}, killed at ${moment} ms`)
      }
      done = (await commitStep(store, 't', keys, 'this one')) ?? 0
      assert.equal(done, step + 1)
    }
  },
}

/** The step as of which each row is; 0 before the first. Each is whole. */
async function steps(store: OnlineStore, table = 't', most = keys): Promise<number[]> {
  const values = await readAll(store, table, names.slice(0, most))
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
  /** All that it has written. */
  readonly steps: () => readonly number[]
  readonly ended: Promise<unknown>
}

/** A process that has opened the store and writes the steps. */
async function startWriter(
  { elsewhere }: OnlineStoreUnderTest,
  steps: WriterPlan['steps'],
  way: WriterPlan['way'] = 'write',
  most = keys,
): Promise<Writer> {
  assert.ok(elsewhere, 'a store that is shared by processes is tested with `elsewhere`')
  const plan: WriterPlan = { ...elsewhere, table: 't', keys: most, steps, way }
  const options = process.execArgv.filter((option) => !option.startsWith('--test'))
  const child = spawn(process.execPath, [...options, writer, JSON.stringify(plan)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface(child.stdout)
  const ended = once(child, 'close')
  const [first] = (await Promise.race([once(lines, 'line'), ended])) as [unknown]
  assert.equal(first, 'ready', 'the process has opened the store')
  const written: number[] = []
  lines.on('line', (line) => written.push(Number(line)))
  return { process: child, written: () => written.at(-1) ?? 0, steps: () => written, ended }
}
