import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { open } from 'lmdb'
import type { OnlineRow } from '../../store.ts'
import { lmdbOnlineStore } from '../lmdb.ts'

const folder = mkdtempSync(join(tmpdir(), 'lockstep-lmdb-'))
after(() => rmSync(folder, { recursive: true }))

const place = (name: string) => join(folder, name)
const bytes = (text: string) => new TextEncoder().encode(text)
const row = (key: string, value: string): OnlineRow => ({ key: bytes(key), version: bytes('1'), value: bytes(value) })

async function filled(path: string, rows = [row('k', 'v')]): Promise<void> {
  const store = lmdbOnlineStore({ path })
  await store.write('t', rows)
  await store.close()
}

/** What the data file of a store becomes, and that it is then refused, for writing and for reading, and this process goes on. */
function refused(name: string, spoil: (data: string) => void, expected: { code: string; message: RegExp }): void {
  mkdirSync(place(name))
  spoil(join(place(name), 'data.mdb'))
  for (const readOnly of [true, false]) assert.throws(() => lmdbOnlineStore({ path: place(name), readOnly }), expected, name)
}

test('a folder is made, with those above it', async () => {
  await filled(place('new/deep/store'))
  const store = lmdbOnlineStore({ path: place('new/deep/store'), readOnly: true })
  assert.deepEqual(await store.tables(), ['t'])
  await store.close()
})

test('a path that is no folder is refused', () => {
  writeFileSync(place('file'), 'text')
  for (const path of [place('file'), place('file/below')]) {
    for (const readOnly of [true, false]) {
      assert.throws(() => lmdbOnlineStore({ path, readOnly }), { code: 'INVALID_ARGUMENT', message: /a file is in its (place|way)/ }, path)
    }
  }
})

test('what is not there is not read, and not made by trying', () => {
  const nothing = { code: 'INVALID_ARGUMENT', message: /it is not there|nothing has been written to it/ }
  for (let attempt = 0; attempt < 2; attempt++) assert.throws(() => lmdbOnlineStore({ path: place('absent'), readOnly: true }), nothing)
  mkdirSync(place('empty'))
  assert.throws(() => lmdbOnlineStore({ path: place('empty'), readOnly: true }), nothing)
  writeFileSync(join(place('empty'), 'data.mdb'), '')
  assert.throws(() => lmdbOnlineStore({ path: place('empty'), readOnly: true }), nothing)
})

test('a file that is not one of LMDB, or of another version, or cut short, is refused', async () => {
  const code = 'STORE_CORRUPT'
  await filled(
    place('good'),
    Array.from({ length: 2000 }, (_, at) => row(`${at}`, 'x'.repeat(200))),
  )
  const good = readFileSync(join(place('good'), 'data.mdb'))
  const first = (bytes: number) => (data: string) => writeFileSync(data, good.subarray(0, bytes))
  refused('text', (data) => writeFileSync(data, 'not a database, but a text '.repeat(1000)), { code, message: /not one of LMDB/ })
  refused('zeros', (data) => writeFileSync(data, new Uint8Array(100_000)), { code, message: /not one of LMDB/ })
  for (const length of [1, 100, 4096, 4200]) refused(`first ${length}`, first(length), { code, message: /not one of LMDB/ })
  for (const length of [8192, 12_288]) refused(`first ${length}`, first(length), { code, message: /cut short at/ })
  const version = (data: string) => {
    const changed = Buffer.from(good)
    changed.writeUInt32LE(9, 28)
    writeFileSync(data, changed)
  }
  refused('version', version, { code, message: /another version of LMDB/ })
  refused('other', (data) => copyFileSync(join(place('good'), 'data.mdb'), data) ?? truncateSync(data, 8192), {
    code,
    message: /cut short/,
  })
})

test('an environment of LMDB that is no online store is refused and left as it is', async () => {
  const other = open({ path: place('other use'), noSubdir: false, overlappingSync: false })
  await other.openDB('things', {}).put('key', 'value')
  await other.close()
  const before = readFileSync(join(place('other use'), 'data.mdb'))
  for (const readOnly of [true, false]) {
    assert.throws(() => lmdbOnlineStore({ path: place('other use'), readOnly }), { code: 'STORE_CORRUPT', message: /no online store/ })
  }
  await new Promise(setImmediate)
  assert.deepEqual(readFileSync(join(place('other use'), 'data.mdb')), before)
})

test('a process opens a store once, by whatever path, and again after it is closed', async () => {
  const store = lmdbOnlineStore({ path: place('once') })
  symlinkSync(place('once'), place('another name'))
  const twice = { code: 'INVALID_ARGUMENT', message: /open in this process already/ }
  for (const path of [place('once'), place('once/'), place('another name')]) assert.throws(() => lmdbOnlineStore({ path }), twice)
  await store.write('t', [row('k', 'v')])
  await store.close()
  await filled(place('another name'))
})

test('read-only: everything is read, nothing is written', async () => {
  await filled(place('served'))
  const store = lmdbOnlineStore({ path: place('served'), readOnly: true })
  const refusal = { code: 'INVALID_ARGUMENT', message: /reading only/ }
  assert.deepEqual(await store.read([{ table: 't', keys: [bytes('k'), bytes('other')] }]), [[bytes('v'), null]])
  assert.deepEqual(await store.read([{ table: 'unknown', keys: [bytes('k')] }]), [[null]])
  assert.deepEqual([await store.tables(), await store.readMeta('t')], [['t'], null])
  await assert.rejects(store.write('t', [row('k', 'v')]), refusal)
  await assert.rejects(store.delete('t', [bytes('k')]), refusal)
  await assert.rejects(store.drop('t'), refusal)
  await assert.rejects(store.writeMeta('t', ''), refusal)
  await store.close()
})

test('more tables than `maxTables` are refused, those that are open go on', async () => {
  const store = lmdbOnlineStore({ path: place('tables'), maxTables: 3 })
  for (const table of ['a', 'b', 'c']) await store.write(table, [row('k', table)])
  const refusal = { code: 'INVALID_ARGUMENT', message: /more tables than/ }
  for (let attempt = 0; attempt < 3; attempt++) await assert.rejects(store.write('d', [row('k', 'd')]), refusal)
  assert.deepEqual(await store.read(['a', 'b', 'c', 'd'].map((table) => ({ table, keys: [bytes('k')] }))), [
    [bytes('a')],
    [bytes('b')],
    [bytes('c')],
    [null],
  ])
  await store.write('b', [row('k', 'again')])
  await store.close()
  const larger = lmdbOnlineStore({ path: place('tables'), maxTables: 4 })
  await larger.write('d', [row('k', 'd')])
  assert.deepEqual(await larger.tables(), ['a', 'b', 'c', 'd'])
  await larger.close()
  const smaller = lmdbOnlineStore({ path: place('tables'), maxTables: 2, readOnly: true })
  assert.throws(() => smaller.readSync?.(['a', 'b', 'c', 'd'].map((table) => ({ table, keys: [] }))), refusal)
  await smaller.close()
})
