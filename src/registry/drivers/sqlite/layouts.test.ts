import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { sqliteDocumentStore } from '../sqlite.ts'
import { layout } from './layouts.ts'

/** As the version before layouts had numbers wrote it. */
const first = fileURLToPath(new URL('./layout-1.sqlite', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'lockstep-layouts-'))
after(() => rmSync(folder, { recursive: true }))

let files = 0
function copyOfFirst(): string {
  const path = join(folder, `${files++}.sqlite`)
  copyFileSync(first, path)
  chmodSync(path, 0o600)
  return path
}

function asked<T>(path: string, ask: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(path)
  try {
    return ask(database)
  } finally {
    database.close()
  }
}

const layoutOf = (path: string) => asked(path, (database) => database.prepare('PRAGMA user_version').get()?.user_version)

test('a file of the first layout is brought to that of today, with all it holds', async () => {
  const path = copyOfFirst()
  assert.equal(layoutOf(path), 0)
  const store = sqliteDocumentStore({ path })
  assert.deepEqual([await store.revision(), await store.tables()], [6, ['environments', 'items']])
  const items = await store.list('items')
  assert.deepEqual(
    items.map(({ key, revision }) => [key, revision]),
    [
      ['item 1', 1],
      ['item 2', 2],
      ['item 4', 4],
      ['item 5', 5],
      ['é 🙂', 6],
    ],
  )
  assert.deepEqual([items[0]?.text, items[4]?.text.length], ['{"item":1}', 5002])
  assert.equal(await store.commit({ conditions: [{ table: 'environments', key: 'dev', revision: 5 }] }), 7)
  await store.close()
  assert.equal(layoutOf(path), layout)
})

test('of several who find the first layout one migrates, and all go on', async () => {
  const path = copyOfFirst()
  const stores = Array.from({ length: 4 }, () => sqliteDocumentStore({ path }))
  assert.deepEqual(await Promise.all(stores.map((store) => store.revision())), [6, 6, 6, 6])
  await Promise.all(stores.map((store) => store.close()))
})

test('a process killed amid its migration leaves the old layout or the new one, whole', { timeout: 60_000 }, async (context) => {
  const keys = 8000
  const full = copyOfFirst()
  asked(full, (database) =>
    database.exec(`WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ${keys})
      INSERT INTO document SELECT 'many', 'key ' || n, 6, '"' || hex(zeroblob(500)) || n || '"' FROM number;
      PRAGMA wal_checkpoint(TRUNCATE)`),
  )
  const code = `const { sqliteDocumentStore } = await import(${JSON.stringify(import.meta.resolve('../sqlite.ts'))})
    process.stdout.write('ready')
    await sqliteDocumentStore({ path: process.argv[1] }).revision()
    process.stdout.write('done')`
  const found = { old: 0, new: 0 }
  for (let kill = 0; kill < 8; kill++) {
    const path = join(folder, `killed ${kill}.sqlite`)
    copyFileSync(full, path)
    const child = spawn(process.execPath, ['--input-type=module', '-e', code, path], { stdio: ['ignore', 'pipe', 'inherit'] })
    const ended = once(child, 'close')
    await once(child.stdout, 'data')
    const moment = (kill + Math.random()) * 25
    await setTimeout(moment)
    child.kill('SIGKILL')
    await ended
    const is = layoutOf(path)
    assert.ok(is === 0 || is === layout, `layout ${is}, killed at ${moment} ms`)
    found[is === 0 ? 'old' : 'new']++
    const store = sqliteDocumentStore({ path })
    const many = await store.list('many')
    assert.deepEqual([many.length, await store.revision(), (await store.list('items')).length], [keys, 6, 5], `killed at ${moment} ms`)
    assert.ok(many.every(({ key, text }) => text === `"${'0'.repeat(1000)}${key.slice(4)}"`))
    await store.close()
  }
  context.diagnostic(`old: ${found.old}, new: ${found.new}`)
  assert.ok(found.old > 0 && found.new > 0)
})

test('a newer layout, another database and no database are refused, each with what to do', async () => {
  const refused = async (make: (path: string) => void, expected: object) => {
    const path = join(folder, `${files++}.sqlite`)
    make(path)
    const store = sqliteDocumentStore({ path })
    for (const call of [() => store.revision(), () => store.commit({})]) await assert.rejects(call(), { where: path, ...expected })
    await store.close()
  }
  const executed = (sql: string) => (path: string) => asked(path, (database) => database.exec(sql))
  await refused(executed(`PRAGMA user_version = ${layout + 1}`), { code: 'STORE_CORRUPT', remedy: /newer one/ })
  await refused(executed('CREATE TABLE other (a)'), { code: 'STORE_CORRUPT', message: /no registry/ })
  await refused(executed(`CREATE TABLE other (a); PRAGMA user_version = ${layout}`), { code: 'STORE_CORRUPT' })
  await refused((path) => writeFileSync(path, 'no database'.repeat(100)), { code: 'STORE_CORRUPT', remedy: /lockstep registry import/ })
  await refused((path) => mkdirSync(path), { code: 'STORE_UNAVAILABLE' })
})

test('reading makes no file', async () => {
  const path = join(folder, 'none', 'registry.sqlite')
  const store = sqliteDocumentStore({ path })
  assert.deepEqual([await store.revision(), await store.list('t')], [0, []])
  assert.ok(!existsSync(join(folder, 'none')))
  await store.close()
})

test('a file that another process keeps to itself is waited for, and no longer than told', async () => {
  const path = copyOfFirst()
  const patient = sqliteDocumentStore({ path })
  const hasty = sqliteDocumentStore({ path, timeout: 100 })
  await patient.revision()
  const other = new DatabaseSync(path)
  other.exec('BEGIN IMMEDIATE')
  let beats = 0
  const beating = setInterval(() => beats++, 10)
  const waiting = patient.commit({ puts: [{ table: 't', key: 'k', text: '1' }] })
  await assert.rejects(hasty.commit({}), { code: 'STORE_UNAVAILABLE', message: /kept the registry/ })
  assert.equal((await hasty.list('items')).length, 5, 'reading goes on')
  assert.ok(beats > 2, 'the thread goes on')
  clearInterval(beating)
  other.exec('ROLLBACK')
  other.close()
  assert.equal(await waiting, 7)
  await Promise.all([patient.close(), hasty.close()])
})
