import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startPostgres } from '../../scripts/postgres.ts'
import { storeAnswers } from '../../test/support/store-answers.ts'

const postgres = await startPostgres()
after(() => ('skipped' in postgres ? undefined : postgres.stop()))

test('what is materialized and streamed into PostgreSQL reads as from LMDB', {
  skip: 'skipped' in postgres && postgres.skipped,
}, async () => {
  assert.ok(!('skipped' in postgres))
  const expected = await storeAnswers('lmdb')
  assert.equal(new Set(expected.map((each) => JSON.stringify(each))).size, 3)
  assert.deepEqual(await storeAnswers({ postgres: postgres.url }), expected)
  assert.deepEqual(await storeAnswers({ postgres: { url: postgres.url, schema: 'other', connections: 2 } }), expected)
})
