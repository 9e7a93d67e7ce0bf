import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { lockstep, lockstepAs, smallProject } from '../../../test/support/command-line.ts'
import type { AuditEntry } from '../../registry/index.ts'

test('entries of the audit log go only once they are exported, by an admin, and the log tells of it', async () => {
  using project = smallProject({ 'lockstep.config.json': JSON.stringify({ registry: { retention: { applies: 2 } } }) })
  const first = JSON.parse((await lockstep(project.path, 'access', 'grant', 'ann', 'admin', '--all', '--json')).stdout) as { token: string }
  const ann = (...given: string[]) => lockstepAs(first.token, project.path, ...given)
  await ann('access', 'grant', 'bob', 'owner')
  const bob = (await ann('token', 'create', 'bob', '--principal')).stdout.trim()
  const trim = ['registry', 'trim', '--before', '2100-01-01', '--export', 'old.ndjson']
  const entries = async () => (JSON.parse((await ann('audit', '--json')).stdout) as { entries: AuditEntry[] }).entries
  const refused = await lockstepAs(bob, project.path, ...trim)
  assert.match(refused.stderr, /bob may not administer all environments/)
  const before = await entries()
  assert.equal(before.at(-1)?.allowed, false)
  for (const half of [trim.slice(0, 4), ['registry', 'trim', '--export', 'old.ndjson']])
    assert.match((await ann(...half)).stderr, /audit log is exported before/)

  const done = await ann(...trim, '--json')
  assert.equal(done.code, 0, done.stderr)
  assert.deepEqual(JSON.parse(done.stdout).removed, { applies: 0, items: 0, runs: 0, statistics: 0, usage: 0, audit: before.length })
  const text = readFileSync(join(project.path, 'old.ndjson'), 'utf8')
  const exported = text.trimEnd().split('\n')
  assert.deepEqual(
    exported.map((line) => JSON.parse(line)),
    before,
  )
  const [told, ...others] = await entries()
  assert.deepEqual(others, [])
  assert.deepEqual([told?.by, told?.action, told?.on], ['ann', 'audit.trim', 'old.ndjson'])
  assert.deepEqual(told?.before, { entries: before.length, first: before[0]?.at, last: before.at(-1)?.at })
  assert.deepEqual(told?.after, { sha256: createHash('sha256').update(text).digest('hex') })
  const again = await ann(...trim)
  assert.match(again.stderr, /The file is there already/)
  assert.equal((await entries()).length, 1, 'nothing goes that could not be exported')
})
