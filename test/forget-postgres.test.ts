import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import pg from 'pg'
import { startPostgres } from '../scripts/postgres.ts'
import { bystander, formsOf, storeWithSubjects, subject, tracesIn } from './support/forgetting.ts'

const postgres = await startPostgres()
after(() => ('skipped' in postgres ? undefined : postgres.stop()))

test('nothing of a subject is left in PostgreSQL, as online store and as registry, and all of others', {
  skip: 'skipped' in postgres && postgres.skipped,
}, async () => {
  assert.ok(!('skipped' in postgres))
  const { url } = postgres
  const options = { online: { postgres: { url, schema: 'online' } }, registry: { postgres: { url, schema: 'registry' } } }
  await using own = await storeWithSubjects(options)
  const { store, read, folder } = own
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    /** The rows of all tables but the server's own that hold a word, by table. */
    const about = async (word: string) => {
      const { rows: tables } = await client.query<{ name: string }>(
        `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`,
      )
      const found: Record<string, string[]> = {}
      for (const { name } of tables) {
        // Bytes are written in hexadecimal digits, and of a text's own bytes the word is told as it is.
        const { rows } = await client.query<{ all: string }>(`SELECT t::text AS all FROM ${name} AS t`)
        const forms = [word, ...formsOf(word).map((form) => form.toString('hex'))]
        const own = rows.map(({ all }) => all).filter((all) => forms.some((form) => all.includes(form)))
        if (own.length > 0) found[name] = own.sort()
      }
      return found
    }
    const inTables = async () => Object.keys(await about(subject)).sort()
    assert.deepEqual(await inTables(), ['online.online_rows'])
    const [others, kept] = [await read(bystander), await about(bystander)]
    assert.ok('online.online_rows' in (await about('city 35')))
    const statistics = await store.registry.statistics.list('dev', 'user_profile@1')
    assert.ok(statistics.every(({ top }) => top !== null))
    const report = await store.forget('user', { user_id: subject }, { rewriteSources: true, rewriteTrainingSets: true })
    assert.equal(report.complete, true, JSON.stringify(report.places))
    assert.match(report.places.find(({ place }) => place === 'online')?.note ?? '', /VACUUM FULL/)
    assert.match(report.places.find(({ place }) => place === 'statistics')?.note ?? '', /withheld.*VACUUM FULL/)
    assert.deepEqual(await inTables(), [])
    assert.deepEqual(await about(bystander), kept)
    for (const { top, withheld } of await store.registry.statistics.list('dev', 'user_profile@1')) {
      assert.equal(top, null)
      assert.match(withheld ?? '', /the subject/)
    }
    assert.deepEqual(await about('city 35'), {}, 'the city that the subject had is in no statistics')
    assert.equal((await read(subject)).user_click_count_1d, 0)
    assert.deepEqual(await read(bystander), others)
    assert.deepEqual(await tracesIn(folder, subject), [])
    // What the report asks of who runs the server.
    const [{ data_directory: files = '' } = {}] = (await client.query<{ data_directory: string }>('SHOW data_directory')).rows
    const inFiles = () =>
      readdirSync(join(files, 'base'), { recursive: true, withFileTypes: true }).filter((each) => {
        if (!each.isFile()) return false
        const bytes = readFileSync(join(each.parentPath, each.name))
        return formsOf(subject).some((form) => bytes.includes(form))
      }).length
    await client.query('CHECKPOINT')
    assert.ok(inFiles() > 0, 'dead rows hold it until then')
    await client.query('VACUUM FULL online.online_rows')
    await client.query('CHECKPOINT')
    assert.equal(inFiles(), 0)
  } finally {
    await client.end()
  }
})
