import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { OnlineRow } from '../../store.ts'
import { lmdbOnlineStore } from '../lmdb.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

test('scrubbed tables leave nothing of deleted rows in the file, and all others as they were', async () => {
  const path = mkdtempSync(join(tmpdir(), 'lockstep-lmdb-'))
  const store = lmdbOnlineStore({ path })
  try {
    const name = (at: number) => `user-${String(at).padStart(6, '0')}`
    const row = (at: number): OnlineRow => ({ key: bytes(name(at)), version: bytes('1'), value: bytes(`events of ${name(at)} `.repeat(5)) })
    const rows = Array.from({ length: 6000 }, (_, at) => row(at))
    // In a random order pages split and rows move, and a row is written several times.
    for (let from = 0; from < 6000; from += 500)
      await store.write(
        'users',
        rows.filter((_, at) => (at * 7919) % 12 === from / 500),
      )
    const gone = Array.from({ length: 40 }, (_, at) => at * 150)
    for (const at of gone) await store.write('users', [row(at)])
    await store.delete(
      'users',
      gone.map((at) => bytes(name(at))),
    )
    const traces = () => gone.filter((at) => readFileSync(join(path, 'data.mdb')).includes(name(at)))
    assert.ok(traces().length > 0, 'deleting alone leaves traces')
    await store.scrub?.(['users'])
    assert.deepEqual(traces(), [])
    const left: OnlineRow[] = []
    for await (const one of store.scan('users')) left.push(one)
    assert.deepEqual(
      left,
      rows.filter((_, at) => !gone.includes(at)),
    )
    assert.deepEqual(await store.tables(), ['users'])
  } finally {
    await store.close()
    rmSync(path, { recursive: true })
  }
})
