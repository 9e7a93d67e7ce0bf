import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DocumentStore } from './documents.ts'
import { sqliteDocumentStore } from './drivers/sqlite.ts'
import { RegistryWatch } from './watch.ts'

const folder = mkdtempSync(join(tmpdir(), 'lockstep-watch-'))
after(() => rmSync(folder, { recursive: true }))
let files = 0
const empty = () => sqliteDocumentStore({ path: join(folder, `${files++}.sqlite`) })
const every = 2

async function until(what: string, condition: () => boolean): Promise<void> {
  for (const end = Date.now() + 5000; !condition(); await sleep(1)) assert.ok(Date.now() < end, `${what} within 5 s`)
}

/** A watcher that counts what it is told. */
function counting(table: string, changed = () => Promise.resolve()) {
  const told = { changes: 0, failures: [] as string[] }
  const watcher = {
    ranges: [{ table }],
    every,
    changed: async () => {
      told.changes++
      await changed()
    },
    failed: ({ message }: Error) => void told.failures.push(message),
  }
  return { told, watcher }
}

const put = (documents: DocumentStore, table: string, text = '1') => documents.commit({ puts: [{ table, key: 'k', text }] })

test('each watcher is told of what it reads, and of nothing else', async () => {
  const documents = empty()
  const watch = new RegistryWatch(documents)
  const [a, b] = [counting('a'), counting('b')]
  const watching = [await watch.watch(a.watcher), await watch.watch(b.watcher)]
  assert.deepEqual([a.told.changes, b.told.changes], [1, 1])
  await put(documents, 'a')
  await until('a', () => a.told.changes === 2)
  for (let step = 0; step < 20; step++) await put(documents, 'usage', `${step}`)
  await sleep(20 * every)
  assert.deepEqual([a.told.changes, b.told.changes], [2, 1])
  for (const one of watching) await one.close()
  await put(documents, 'b')
  await sleep(20 * every)
  assert.equal(b.told.changes, 1, 'who has left is told no more')
  await documents.close()
})

test('what cannot be taken in is not tried again at each look, but as soon as it changes', async () => {
  const documents = empty()
  const watch = new RegistryWatch(documents)
  let isBroken = true
  const { told, watcher } = counting('a', () => (isBroken ? Promise.reject(new Error('no')) : Promise.resolve()))
  const watching = await watch.watch(watcher)
  await put(documents, 'a')
  await until('the change', () => told.changes === 2)
  for (let step = 0; step < 20; step++) await put(documents, 'usage', `${step}`)
  await sleep(20 * every)
  assert.deepEqual(told, { changes: 2, failures: ['no'] })
  isBroken = false
  await put(documents, 'a')
  await until('the next change', () => told.changes === 3)
  await watching.close()
  await documents.close()
})

test('a registry that is away is told of once, and what changed meanwhile is seen', async () => {
  const real = empty()
  let isAway = true
  const documents = Object.assign(Object.create(real) as DocumentStore, {
    revision: () => (isAway ? Promise.reject(new Error('away')) : real.revision()),
    stamp: (range: { table: string }) => real.stamp(range),
  })
  const watch = new RegistryWatch(documents)
  const { told, watcher } = counting('a')
  const watching = await watch.watch(watcher)
  await sleep(20 * every)
  assert.deepEqual(told, { changes: 0, failures: ['away'] })
  isAway = false
  await until('back', () => told.changes === 1)
  isAway = true
  await until('away again', () => told.failures.length === 2)
  await put(real, 'a')
  isAway = false
  await until('the change', () => told.changes === 2)
  await watching.close()
  await real.close()
})
