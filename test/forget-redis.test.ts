import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createClient, RESP_TYPES } from '@redis/client'
import { type Redis, startRedis } from '../scripts/redis.ts'
import { bystander, formsOf, storeWithSubjects, subject, tracesIn } from './support/forgetting.ts'

const [redis, cluster] = [await startRedis(), await startRedis({ cluster: true })]
after(() => Promise.all([redis, cluster].map((each) => ('skipped' in each ? undefined : each.stop()))))
const skip = 'skipped' in redis && redis.skipped

/** All keys of all servers with what they hold, as bytes, whatever wrote them. */
async function everything({ nodes }: Redis): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const node of nodes) {
    const client = createClient({ url: `redis://${node}` }).withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })
    await client.connect()
    for await (const keys of client.scanIterator({ COUNT: 1000 }))
      for (const key of keys as unknown as Buffer[])
        found.set(key.toString(), ((await client.get(key)) as unknown as Buffer).toString('latin1'))
    client.destroy()
  }
  return found
}

const about = (all: ReadonlyMap<string, string>, who: string) =>
  new Map([...all].filter(([key, value]) => formsOf(who).some((form) => `${key} ${value}`.includes(form.toString('latin1')))))

for (const [name, server] of [
  ['one server', redis],
  ['a cluster', cluster],
] as const) {
  test(`nothing of a subject is left in Redis, ${name}, and all of others`, { skip }, async () => {
    assert.ok(!('skipped' in server))
    const options = name === 'a cluster' ? { nodes: server.nodes } : { url: server.url }
    await using own = await storeWithSubjects({ online: { redis: { ...options, prefix: 'own' } } })
    const { store, read, folder } = own
    const before = await everything(server)
    const tables = ['user_clicks@1', 'user_profile@1', 'pair_clicks@1']
    for (const table of tables)
      assert.ok(
        [...about(before, subject).keys()].some((key) => key.includes(table)),
        table,
      )
    const [others, kept] = [await read(bystander), about(before, bystander)]
    const report = await store.forget('user', { user_id: subject }, { rewriteSources: true, rewriteTrainingSets: true })
    assert.equal(report.complete, true, JSON.stringify(report.places))
    assert.match(report.places.find(({ place }) => place === 'online')?.note ?? '', /BGREWRITEAOF/)
    const left = await everything(server)
    assert.deepEqual(about(left, subject), new Map())
    assert.deepEqual(about(left, bystander), kept)
    assert.equal((await read(subject)).user_click_count_1d, 0)
    assert.deepEqual(await read(bystander), others)
    assert.deepEqual(await tracesIn(folder, subject), [])
    if (name === 'a cluster') return
    // What the report asks of who runs the server.
    const client = createClient({ url: server.url })
    await client.connect()
    const files = (await client.configGet('dir')).dir as string
    const inFiles = () =>
      readdirSync(files, { recursive: true, withFileTypes: true }).filter(
        (each) => each.isFile() && formsOf(subject).some((form) => readFileSync(join(each.parentPath, each.name)).includes(form)),
      ).length
    assert.ok(inFiles() > 0, 'the log of writes holds it until then')
    await client.bgRewriteAof()
    for (let waited = 0; inFiles() > 0 && waited < 100; waited++) await new Promise((resolve) => setTimeout(resolve, 50))
    assert.equal(inFiles(), 0)
    client.destroy()
  })
}
