import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { lockstep, smallProject } from '../../../test/support/command-line.ts'
import type { AuditEntry } from '../../registry/index.ts'

test('everything is allowed and said to be, until somebody is an admin; refused attempts are in the audit log', async () => {
  using project = smallProject()
  const run = (...given: string[]) => lockstep(project.path, ...given)
  const first = await run('access', 'grant', 'bob', 'owner', '--on', 'group:nothing')
  assert.deepEqual([first.code, first.stdout], [0, 'bob is owner of group:nothing in dev.\n'])
  assert.match(first.stderr, /Nothing has the name or tag in group:nothing\.\n.*Nobody is an admin yet/s)
  assert.deepEqual(await run('access', 'grant', 'ann', 'admin', '--all'), {
    code: 0,
    stdout: 'ann is admin in all environments.\n',
    stderr: '',
  })
  const refused = await run('access', 'grant', 'bob', 'admin', '--all', '--as', 'bob')
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /bob may not administer all environments: it takes the role admin/)
  const taken = await run('access', 'revoke', 'bob', 'owner', '--on', 'group:nothing', '--as', 'ann')
  assert.deepEqual([taken.code, taken.stdout], [0, 'bob is no longer owner of group:nothing in dev.\n'])

  const listed = JSON.parse((await run('access', 'list', '--json')).stdout)
  const names = (listed.principals as { name: string; grants: unknown[] }[]).map(({ name, grants }) => [name, grants.length])
  assert.deepEqual(
    [listed.enforced, names],
    [
      true,
      [
        ['ann', 1],
        ['bob', 0],
      ],
    ],
  )
  assert.equal((await run('audit', '--as', 'bob')).code, 1)
  const shown = await run('audit', '--refused', '--as', 'ann')
  assert.match(shown.stdout, /bob +admin +\* +\* +refused/)
  assert.equal((await run('audit', '--as', 'ann', '--export', 'audit.ndjson')).stdout, '5 entries in audit.ndjson\n')
  const entries = readFileSync(join(project.path, 'audit.ndjson'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as AuditEntry)
  assert.deepEqual(
    entries.map(({ by, action, allowed }) => [by === 'ann' || by === 'bob' ? by : '', action, allowed]),
    [
      ['', 'access.grant', true],
      ['', 'access.grant', true],
      ['bob', 'admin', false],
      ['ann', 'access.revoke', true],
      ['bob', 'admin', false],
    ],
  )
})

test('who may do something is told by view, group and tag', async () => {
  using project = smallProject()
  const run = (...given: string[]) => lockstep(project.path, 'access', ...given)
  await run('grant', 'ann', 'admin', '--all')
  await run('grant', 'api', 'reader', '--on', 'view:visit', '--service', '--as', 'ann')
  const who = await run('who', 'read', 'view:visit')
  assert.deepEqual(
    [who.code, who.stdout],
    [0, 'name  kind     as\nann   user     admin in all environments\napi   service  reader of view:visit in dev\n'],
  )
  assert.equal((await run('who', 'define', 'view:visit')).stdout.split('\n').length, 3)
  for (const [given, message] of [
    [['who', 'read', 'view:visits'], /There is no view:visits; did you mean view:visit/],
    [['grant', 'ann'], /A name and a role are needed/],
    [['grant', 'ann', 'owner', '--on', 'visit'], /is nothing to have a role on/],
  ] as const) {
    const { code, stderr } = await run(...given, '--as', 'ann')
    assert.ok(code !== 0)
    assert.match(stderr, message)
  }
})

test('the registry is exported, shown, and imported where that is meant', async () => {
  using project = smallProject()
  const run = (...given: string[]) => lockstep(project.path, 'registry', ...given)
  assert.equal((await run('status')).stdout, 'sqlite, revision 0\nIt holds nothing.\n')
  await lockstep(project.path, 'access', 'grant', 'bob', 'reader')
  assert.deepEqual([(await run('export', 'registry.json')).stdout], ['2 documents in registry.json\n'])
  assert.equal(statSync(join(project.path, 'registry.json')).mode & 0o777, 0o600)
  assert.match((await run('export', 'registry.json')).stderr, /OUTPUT_EXISTS/)
  assert.equal((await run('export', '-')).stdout.includes('"bob"'), true)
  assert.match((await run('import', 'registry.json')).stderr, /holds 2 documents.*--replace/s)
  await lockstep(project.path, 'access', 'grant', 'eve', 'reader')
  assert.equal((await run('import', 'registry.json', '--replace')).stdout, '1 document imported, 1 removed\n')
  const { tables } = JSON.parse((await run('status', '--json')).stdout)
  const counts = (tables as { table: string; documents: number }[]).map(({ table, documents }) => [table, documents])
  assert.deepEqual(counts, [
    ['audit', 3],
    ['principals', 1],
  ])
  assert.match((await run('import', 'definitions.ts')).stderr, /is no JSON/)
})

test('a token of a principal says who is acting', async () => {
  using project = smallProject()
  const run = (...given: string[]) => lockstep(project.path, ...given)
  await run('access', 'grant', 'ann', 'admin', '--all')
  await run('access', 'grant', 'bob', 'reader', '--as', 'ann')
  const made = await run('token', 'create', 'bob', '--principal', '--as', 'ann', '--json')
  const { token, id } = JSON.parse(made.stdout) as { token: string; id: string }
  const acting = async (text: string, ...given: string[]) => {
    process.env.LOCKSTEP_TOKEN = text
    try {
      return await run(...given)
    } finally {
      delete process.env.LOCKSTEP_TOKEN
    }
  }
  const refused = await acting(token, 'audit', '--as', 'ann')
  assert.match(refused.stderr, /bob may not administer all environments/)
  assert.match((await acting(`${token}0`, 'audit', '--as', 'ann')).stderr, /UNAUTHENTICATED/)
  assert.match((await run('token', 'list')).stdout, new RegExp(`${id} +bob +reader in dev`))
  assert.equal((await run('token', 'revoke', id, '--as', 'ann')).stdout, `The token ${id} of bob is revoked.\n`)
  assert.match((await run('token', 'create', 'eve', '--principal', '--as', 'bob')).stderr, /FORBIDDEN/)
})

test('commands that read or change something ask for the role that it takes', async () => {
  using project = smallProject()
  const run = (...given: string[]) => lockstep(project.path, ...given, '--as', 'bob')
  await run('access', 'grant', 'ann', 'admin', '--all')
  const refused: [given: string[], message: RegExp][] = [
    [['materialize'], /bob may not write group:\w+ in dev: it takes the role writer/],
    [['backfill', 'user_daily', '--from', '2026-03-01', '--to', '2026-03-02'], /bob may not write group:user_daily/],
    [['get', 'visit', 'user_id=1'], /bob may not read view:visit in dev: it takes the role reader/],
    [['train', 'visit', '--labels', 'labels.csv', '--out', 'out.parquet'], /bob may not read view:visit/],
  ]
  for (const [given, message] of refused) {
    const { code, stderr } = await run(...given)
    assert.deepEqual([code, message.exec(stderr)?.length], [1, 1], `${given.join(' ')}: ${stderr}`)
  }
})
