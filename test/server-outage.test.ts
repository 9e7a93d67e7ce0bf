import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { startRedis } from '../scripts/redis.ts'
import { Server } from '../src/server/index.ts'
import { openStore } from '../src/store/index.ts'
import { smallProject } from './support/command-line.ts'

interface Read {
  /** Milliseconds since the start, and that it took. */
  readonly at: number
  readonly took: number
  readonly status: number
  readonly body: string
}

/** Milliseconds between two reads, whether or not the one before was answered. */
const every = 10

test('Redis is killed under load and comes back: no wrong value, errors only while it is away', async (t) => {
  const redis = await startRedis()
  if ('skipped' in redis) return t.skip(redis.skipped)
  t.after(() => redis.stop())
  using project = smallProject()
  const options = { definitions: `${project.path}/definitions.ts`, folder: `${project.path}/.lockstep` }
  await using store = await openStore({ ...options, online: { redis: { url: redis.url, commandTimeout: 500 } } })
  process.chdir(project.path)
  await store.materialize(undefined, { asOf: '2026-03-02T12:00:00Z' })
  await using server = await Server.start(store, { log: 'silent' })
  const read = async (): Promise<Response> =>
    await fetch(`${server.url}/v1/views/visit/vectors`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"rows":[{"user_id":1},{"user_id":2},{"user_id":9}],"as_of":"2026-03-02T12:00:00Z"}',
    })
  const rowsOf = (body: string) => (JSON.parse(body) as { rows: unknown }).rows
  const expected = rowsOf(await (await read()).text())

  const started = performance.now()
  const now = () => performance.now() - started
  const reads: Promise<Read>[] = []
  let running = true
  const load = (async () => {
    for (let due = 0; running; due += every) {
      if (due > now()) await setTimeout(due - now())
      const at = now()
      reads.push(read().then(async (answer) => ({ at, body: await answer.text(), took: now() - at, status: answer.status })))
    }
  })()
  await setTimeout(1500)
  const killed = now()
  await redis.kill()
  await setTimeout(1500)
  await redis.start()
  const back = now()
  await setTimeout(5500)
  running = false
  await load
  const all = await Promise.all(reads)

  for (const { status, body } of all) {
    assert.ok(status === 200 || status === 503, `${status} ${body}`)
    if (status === 200) assert.deepEqual(rowsOf(body), expected)
    else assert.equal((JSON.parse(body) as { error: { code: string } }).error.code, 'STORE_UNAVAILABLE')
  }
  const refused = all.filter(({ status }) => status === 503)
  assert.ok(refused.length > 0, 'nobody noticed')
  for (const { at, took } of refused) {
    assert.ok(at + took >= killed, 'an error before it was killed')
    assert.ok(at <= back + 5000, 'an error five seconds after it was back')
  }
  const p99 = (some: readonly Read[]) => some.map(({ took }) => took).sort((a, b) => a - b)[Math.floor(some.length * 0.99)] ?? Number.NaN
  const lastRefused = Math.max(...refused.map(({ at }) => at)) - back
  t.diagnostic(
    `p99 ${p99(all.filter(({ at }) => at < killed)).toFixed(1)} ms before, ${p99(all.filter(({ at }) => at > back + 5000)).toFixed(1)} ms from 5 s after on; the last read refused came ${lastRefused.toFixed(0)} ms after its return`,
  )
})
