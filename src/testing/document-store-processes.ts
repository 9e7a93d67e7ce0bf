import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { DocumentStore } from '../registry/index.ts'
import type { DocumentCase, DocumentStoreUnderTest } from './document-store-suite.ts'
import { counted, countUp, type DocumentWriterPlan } from './document-store-writer.ts'

const writer = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './document-store-writer.ts' : './document-store-writer.js', import.meta.url),
)

/** Cases with processes of their own. */
export const documentProcessCases: Record<string, DocumentCase> = {
  'of processes that commit in a loop each makes revisions of its own, and none is lost': async (under, context) => {
    const { store, elsewhere } = under
    if (elsewhere === undefined) return context.skip('not shared by processes')
    const last = 60
    const others = await Promise.all([startWriter(under, 'first', last), startWriter(under, 'second', last)])
    const mine: Step[] = []
    while (Number((await store.read([{ table: 'heads', key: 'count' }]))[0]?.text ?? 0) < last) {
      const step = await countUp(store, 'this')
      if (step !== null) mine.push(step)
      await setTimeout(1)
    }
    await Promise.all(others.map(({ ended }) => ended))
    const steps = [...mine, ...others.flatMap((other) => other.steps())].sort((a, b) => a.count - b.count)
    const every = Array.from({ length: steps.length }, (_, index) => index + 1)
    assert.deepEqual([steps.map(({ count }) => count), steps.map(({ revision }) => revision)], [every, every])
    assert.ok(
      others.every((other) => other.steps().length > 0),
      'they raced',
    )
    const authors = new Map((await store.list('by')).map(({ key, text }) => [Number(key), text]))
    for (const { count } of mine) assert.equal(authors.get(count) ?? 'this', 'this')
    assert.equal(await store.revision(), steps.length)
    await checkWhole(store)
  },

  'a process killed amid commits leaves each whole or not made': async (under, context) => {
    const { store, elsewhere } = under
    if (elsewhere === undefined || !store.capabilities.durable) return context.skip('not durable and shared by processes')
    for (let kill = 0; kill < 4; kill++) {
      const before = await store.revision()
      const other = await startWriter(under, 'other', 1e9)
      const moment = Math.random() * 150
      await setTimeout(moment)
      other.process.kill('SIGKILL')
      await other.ended
      const [count, least] = [await checkWhole(store), Math.max(before, other.steps().at(-1)?.count ?? 0)]
      assert.ok(count === least || count === least + 1, `${count} after ${least}, killed at ${moment} ms`)
      assert.deepEqual(await countUp(store, 'this'), { count: count + 1, revision: count + 1 })
    }
  },
}

interface Step {
  readonly count: number
  readonly revision: number
}

interface Writer {
  readonly process: ChildProcess
  readonly steps: () => readonly Step[]
  readonly ended: Promise<unknown>
}

/** The count as of which all documents are. */
async function checkWhole(store: DocumentStore): Promise<number> {
  const revision = await store.revision()
  const [head] = await store.read([{ table: 'heads', key: 'count' }])
  assert.deepEqual([Number(head?.text ?? 0), head?.revision ?? 0], [revision, revision])
  const documents = await store.list('counted')
  assert.equal(documents.length, revision === 0 ? 0 : counted.length)
  for (const document of documents) {
    assert.equal(document.revision, revision)
    assert.equal(document.text, `${revision} ${'.'.repeat(300)} ${revision}`)
  }
  assert.equal((await store.list('by')).length, Math.min(revision, 100))
  return revision
}

async function startWriter({ elsewhere }: DocumentStoreUnderTest, name: string, last: number): Promise<Writer> {
  assert.ok(elsewhere)
  const plan: DocumentWriterPlan = { ...elsewhere, name, last }
  const options = process.execArgv.filter((option) => !option.startsWith('--test'))
  const child = spawn(process.execPath, [...options, writer, JSON.stringify(plan)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface(child.stdout)
  const ended = once(child, 'close')
  const [first] = (await Promise.race([once(lines, 'line'), ended])) as [unknown]
  assert.equal(first, 'ready', 'the process has opened the store')
  const steps: Step[] = []
  lines.on('line', (line) => {
    const [count = 0, revision = 0] = line.split(' ').map(Number)
    steps.push({ count, revision })
  })
  return { process: child, steps: () => steps, ended }
}
