import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../../scripts/workspace.ts'
import { remainsOf } from './environment-remains.ts'

test('of a folder what belongs to all environments is not named; of servers the place, and no address', () => {
  using temporary = temporaryFolder()
  const folder = temporary.path
  assert.deepEqual(remainsOf({ folder: join(folder, 'none') }), [])
  for (const name of ['environments', 'online']) mkdirSync(join(folder, name))
  for (const name of ['registry.sqlite', 'registry.sqlite-wal']) writeFileSync(join(folder, name), '')
  assert.deepEqual(remainsOf({ folder }), [join(folder, 'online')])
  assert.deepEqual(remainsOf({ folder: join(folder, 'online') }), [])
  mkdirSync(join(folder, 'online', 'data'))
  assert.deepEqual(remainsOf({ folder: join(folder, 'online'), online: 'lmdb', log: 'segments' }), [join(folder, 'online')])
  const none = { folder: join(folder, 'none') }
  const url = 'redis://:secret@host'
  assert.deepEqual(
    remainsOf({ ...none, online: { redis: { url, prefix: 'trial' } }, log: { kafka: { brokers: ['host:9092'], prefix: 'trial.' } } }),
    ['keys of Redis that begin with trial', 'its topics in Kafka that begin with trial.'],
  )
  assert.deepEqual(remainsOf({ ...none, online: { postgres: url }, log: { kafka: ['host:9092'] } }), [
    'the schema lockstep of PostgreSQL',
    'its topics in Kafka',
  ])
})
