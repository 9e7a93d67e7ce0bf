import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { LockstepError } from '../errors.ts'
import type { DocumentStore } from './documents.ts'
import { sqliteDocumentStore } from './drivers/sqlite.ts'
import { exportRegistry, importRegistry } from './transfer.ts'

const folder = mkdtempSync(join(tmpdir(), 'lockstep-transfer-'))
after(() => rmSync(folder, { recursive: true }))
let files = 0
const empty = () => sqliteDocumentStore({ path: join(folder, `${files++}.sqlite`) })
const hashOf = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 32)

const imported = { at: '2026-03-01T00:00:00Z', by: 'ann' }
const item = '{"kind":"group","name":"orders"}'
const older = '{"kind":"group","name":"orders","old":true}'
const applyText = (number: number, before: string | null, after: string) => {
  const reference = (hash: string | null) => hash && { hash, meaning: 'm' }
  const changes = [{ id: 'group:orders@1', before: reference(before), after: reference(after) }]
  return JSON.stringify({ number, environment: 'dev', kind: 'apply', at: '2026', by: 'ann', message: '', changes, current: [] })
}
const texts = [
  '{"b":1,"a":[1.5,"é",null]}',
  '{ "spaced": true }',
  'no JSON',
  '1e3',
  '{"__proto__":{"a":1},"2":0,"1":0}',
  '""',
  '12345678901234567890',
]

async function filled(): Promise<DocumentStore> {
  const store = empty()
  await store.commit({
    puts: [
      { table: 'items', key: hashOf(item), text: item },
      {
        table: 'environments',
        key: 'dev',
        text: JSON.stringify({ apply: 2, items: { 'group:orders@1': { hash: hashOf(item), meaning: 'm' } }, current: {} }),
      },
      { table: 'items', key: hashOf(older), text: older },
      { table: 'applies', key: 'dev/000001', text: applyText(1, null, hashOf(older)) },
      { table: 'applies', key: 'dev/000002', text: applyText(2, hashOf(older), hashOf(item)) },
      { table: 'audit', key: '2026', text: '{"by":"ann"}' },
    ],
  })
  await store.commit({ puts: texts.map((text, at) => ({ table: 'other', key: `é ${at} __proto__`, text })) })
  return store
}

test('an import that leaves nobody an admin opens the registry to all: only where that is meant', async () => {
  const put = (name: string, role: string) => ({
    table: 'principals',
    key: name,
    text: JSON.stringify({ kind: 'user', grants: [{ role, environment: '*', on: '*' }], created: imported.at }),
  })
  const holding = async (...puts: ReturnType<typeof put>[]) => {
    const store = empty()
    if (puts.length > 0) await store.commit({ puts })
    return store
  }
  const [governed, readers, nobody, others] = await Promise.all([
    holding(put('ann', 'admin')),
    holding(put('ann', 'reader')),
    holding(),
    holding(put('eve', 'admin')),
  ])
  const into = async (store: DocumentStore, from: DocumentStore, openToAll = false) =>
    await importRegistry(store, await exportRegistry(from, 0), { replace: true, imported, openToAll })
  for (const from of [nobody, readers]) await assert.rejects(into(governed, from), { code: 'IN_USE', remedy: /--force/ })
  assert.deepEqual(await contents(governed), [`principals/ann ${put('ann', 'admin').text}`])
  await into(governed, others)
  assert.deepEqual(await contents(governed), [`principals/eve ${put('eve', 'admin').text}`])
  await into(governed, nobody, true)
  assert.deepEqual(await contents(governed), [])
  await into(readers, nobody)
})

async function contents(store: DocumentStore): Promise<string[]> {
  const found: string[] = []
  for (const table of await store.tables()) for (const { key, text } of await store.list(table)) found.push(`${table}/${key} ${text}`)
  return found
}

test('what is exported and imported is the same, text for text', async () => {
  const store = await filled()
  const exported = JSON.parse(JSON.stringify(await exportRegistry(store, 0)))
  assert.deepEqual(
    [exported.format, exported.version, exported.revision, exported.exported],
    ['lockstep-registry', 1, 2, '1970-01-01T00:00:00Z'],
  )
  assert.deepEqual(exported.tables.items[hashOf(item)], { json: JSON.parse(item) })
  const copy = empty()
  assert.deepEqual(await importRegistry(copy, exported, { imported }), { documents: 13, removed: 0, revision: 1 })
  const marked = (await contents(store)).map((one) => one.replace('{"by":"ann"}', `{"by":"ann","imported":${JSON.stringify(imported)}}`))
  assert.deepEqual(await contents(copy), marked, 'but that entries of the audit log say where they are from')
})

test('a registry that holds something is replaced only where that is said, and never its audit log', async () => {
  const exported = await exportRegistry(await filled(), 0)
  const store = empty()
  const puts = [
    { table: 'other', key: 'old', text: '1' },
    { table: 'audit', key: '2025', text: '{"by":"eve"}' },
    { table: 'audit', key: '2026', text: '{"by":"eve"}' },
  ]
  await store.commit({ puts })
  await assert.rejects(importRegistry(store, exported, { imported }), { code: 'REGISTRY_CONFLICT', remedy: /--replace/ })
  assert.equal(await store.revision(), 1)
  assert.deepEqual(await importRegistry(store, exported, { imported, replace: true }), { documents: 12, removed: 1, revision: 2 })
  assert.deepEqual(
    (await store.list('audit')).map(({ key, text }) => [key, text]),
    [
      ['2025', '{"by":"eve"}'],
      ['2026', '{"by":"eve"}'],
    ],
  )
  assert.equal((await store.list('other')).length, texts.length)
})

test('what is no whole export is refused, and nothing of it is written', async () => {
  const good = JSON.parse(JSON.stringify(await exportRegistry(await filled(), 0)))
  const other = (change: (copy: typeof good) => unknown) => {
    const copy = structuredClone(good)
    return change(copy) ?? copy
  }
  const token = { principal: 'ann', hash: 'aa', created: '2026' }
  const model = { version: 1, trainingSet: 's1', live: true }
  const wrong: [unknown, RegExp][] = [
    [null, /no export/],
    [[], /no export/],
    [other((copy) => ({ ...copy, format: 'other' })), /no export/],
    [other((copy) => ({ ...copy, version: 2 })), /version 2/],
    [other((copy) => ({ ...copy, tables: { other: [] } })), /no object/],
    [other((copy) => ({ ...copy, tables: { 'a b': { k: { json: 1 } } } })), /no name for a table/],
    [other((copy) => ({ ...copy, tables: { a: { k: 1 } } })), /neither json nor text/],
    [other((copy) => void Object.assign(copy.tables.items[hashOf(item)].json, { name: 'visits' })), /not what it was/],
    [other((copy) => void delete copy.tables.items[hashOf(item)]), /refers to an item/],
    [other((copy) => void Object.assign(copy.tables, { environments: { dev: { text: 'no' } } })), /no JSON.*environments\/dev/s],
    [other((copy) => void delete copy.tables.environments.dev.json.current), /has no current.*environments\/dev/],
    [
      other((copy) => void Object.assign(copy.tables.environments.dev.json.current, { ranking: 2 })),
      /current version 2 of the view ranking/,
    ],
    [other((copy) => void delete copy.tables.items[hashOf(older)]), /changed an item that is not there.*applies\/dev\/000001/],
    [other((copy) => void Object.assign(copy.tables.items, { [hashOf(older)]: { text: '{' } })), /no JSON.*items\//s],
    [other((copy) => void delete copy.tables.applies['dev/000002']), /Apply 2 of dev is not there/],
    [other((copy) => void Object.assign(copy.tables.environments.dev.json, { apply: 1 })), /does not know of apply 2/],
    [other((copy) => void delete copy.tables.environments.dev), /does not know of apply 1/],
    [other((copy) => void Object.assign(copy.tables.applies['dev/000001'].json, { number: 3 })), /says to be apply 3/],
    [other((copy) => void Object.assign(copy.tables.applies['dev/000001'].json.changes[0], { id: 'orders' })), /"orders" is no id/],
    [other((copy) => void Object.assign(copy.tables.applies['dev/000001'].json.changes[0], { after: {} })), /has no changes.*000001/],
    [
      other(
        (copy) => void Object.assign(copy.tables, { former: { a: { json: { items: { 'group:a@1': { hash: 'a', meaning: 'm' } } } } } }),
      ),
      /former\/a/,
    ],
    [other((copy) => void Object.assign(copy.tables, { tokens: { t: { json: token } } })), /one of ann, who is not there.*tokens\/t/],
    [other((copy) => void Object.assign(copy.tables, { models: { m: { json: { versions: [model] } } } })), /trained with s1.*models\/m/],
    [other((copy) => void Object.assign(copy.tables, { runs: { '2026': { json: [] } } })), /no object.*runs\/2026/],
  ]
  const store = empty()
  for (const [exported, message] of wrong)
    await assert.rejects(
      importRegistry(store, exported, { imported }),
      (error: LockstepError) => error.code === 'INVALID_ARGUMENT' && message.test(error.message) && error.remedy !== '',
      String(message),
    )
  assert.equal(await store.revision(), 0)
})

test('an export while others commit is of one revision', async () => {
  const store = await filled()
  const writer = (async () => {
    for (let step = 0; step < 30; step++) {
      await store.commit({ puts: ['a', 'b'].map((table) => ({ table, key: 'step', text: `${step}` })) })
      await new Promise((resolve) => setTimeout(resolve, 3))
    }
  })()
  for (let time = 0; time < 5; time++) {
    const { tables } = await exportRegistry(store, 0)
    assert.deepEqual(tables.a?.step, tables.b?.step)
  }
  await writer
})
