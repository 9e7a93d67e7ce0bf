import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { lockstep, lockstepAs, smallProject } from '../../../test/support/command-line.ts'
import { sqliteDocumentStore } from '../../registry/drivers/sqlite.ts'
import { type AuditEntry, Registry } from '../../registry/index.ts'
import { commandRoles } from '../command-roles.ts'
import { program } from '../program.ts'

/** Makes somebody the first admin, and gives what acts as them, and as others that they make a token of. */
async function withAdmin(path: string, name = 'ann') {
  const granted = await lockstep(path, 'access', 'grant', name, 'admin', '--all', '--json')
  assert.equal(granted.code, 0, granted.stderr)
  const { token } = JSON.parse(granted.stdout) as { token: string }
  const as =
    (text: string) =>
    (...given: string[]) =>
      lockstepAs(text, path, ...given)
  const admin = as(token)
  return {
    as,
    admin,
    other: async (principal: string) => {
      const made = await admin('token', 'create', principal, '--principal')
      assert.equal(made.code, 0, made.stderr)
      return as(made.stdout.trim())
    },
  }
}

test('everything is allowed and said to be, until somebody is an admin; refused attempts are in the audit log', async () => {
  using project = smallProject()
  const run = (...given: string[]) => lockstep(project.path, ...given)
  const first = await run('access', 'grant', 'bob', 'owner', '--on', 'group:nothing')
  assert.deepEqual([first.code, first.stdout], [0, 'bob is owner of group:nothing in dev.\n'])
  assert.match(first.stderr, /Nothing has the name or tag in group:nothing\.\n.*Nobody is an admin yet/s)
  const made = await run('access', 'grant', 'ann', 'admin', '--all')
  const [said, token = ''] = made.stdout.split('\n')
  assert.deepEqual([made.code, said], [0, 'ann is admin in all environments.'])
  assert.match(made.stderr, /Roles count from now on\. To act as ann, set LOCKSTEP_TOKEN to this token/)
  const ann = (...given: string[]) => lockstepAs(token, project.path, ...given)
  const bob = async (...given: string[]) => lockstepAs(await bobs, project.path, ...given)
  const bobs = ann('token', 'create', 'bob', '--principal').then(({ stdout }) => stdout.trim())
  const refused = await bob('access', 'grant', 'bob', 'admin', '--all')
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /bob may not administer all environments: it takes the role admin/)
  const taken = await ann('access', 'revoke', 'bob', 'owner', '--on', 'group:nothing')
  assert.deepEqual([taken.code, taken.stdout], [0, 'bob is no longer owner of group:nothing in dev.\n'])

  const listed = JSON.parse((await ann('access', 'list', '--json')).stdout)
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
  assert.equal((await bob('audit')).code, 1)
  const shown = await ann('audit', '--refused')
  assert.match(shown.stdout, /bob +admin +\* +\* +refused/)
  assert.equal((await ann('audit', '--export', 'audit.ndjson')).stdout, '7 entries in audit.ndjson\n')
  const entries = readFileSync(join(project.path, 'audit.ndjson'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as AuditEntry)
  // The first admin and their token are made at once, so either may come first.
  const [ofToken] = entries.filter(({ action, on }) => action === 'token.create' && on === 'ann')
  assert.equal(ofToken?.allowed, true)
  const others = entries.filter((entry) => entry !== ofToken)
  assert.deepEqual(
    others.map(({ by, action, allowed }) => [by === 'ann' || by === 'bob' ? by : '', action, allowed]),
    [
      ['', 'access.grant', true],
      ['', 'access.grant', true],
      ['ann', 'token.create', true],
      ['bob', 'admin', false],
      ['ann', 'access.revoke', true],
      ['bob', 'admin', false],
    ],
  )
})

test('who may do something is told by view, group and tag', async () => {
  using project = smallProject()
  const { admin } = await withAdmin(project.path)
  const run = (...given: string[]) => admin('access', ...given)
  await run('grant', 'api', 'reader', '--on', 'view:visit', '--service')
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
    const { code, stderr } = await run(...given)
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

test('once roles count a name alone is worth nothing: a token says who is acting, or the machine', async () => {
  using project = smallProject()
  const { admin, other } = await withAdmin(project.path)
  await admin('access', 'grant', 'bob', 'reader')
  const bob = await other('bob')
  assert.match((await bob('audit', '--as', 'ann')).stderr, /bob may not administer all environments/)
  const named = await lockstep(project.path, 'audit', '--as', 'ann')
  assert.deepEqual([named.code, /nothing shows that \S+ is ann.*UNAUTHENTICATED/s.test(named.stderr)], [1, true], named.stderr)
  const { username } = userInfo()
  assert.match((await lockstep(project.path, 'list')).stderr, new RegExp(`${username} may not read.*FORBIDDEN`, 's'))
  await admin('access', 'grant', username, 'reader')
  assert.equal((await lockstep(project.path, 'list', '--as', username)).code, 0)
  assert.match((await lockstepAs(`lockstep_${'0'.repeat(16)}_${'0'.repeat(64)}`, project.path, 'audit')).stderr, /UNAUTHENTICATED/)
  const listed = JSON.parse((await admin('token', 'list', '--json')).stdout).tokens as { id: string; name: string; scopes: string[] }[]
  const { id = '', scopes } = listed.find(({ name }) => name === 'bob') ?? {}
  assert.deepEqual(scopes, ['reader in dev'])
  assert.equal((await admin('token', 'revoke', id)).stdout, `The token ${id} of bob is revoked.\n`)
  assert.match((await bob('list')).stderr, /UNAUTHENTICATED/)
})

test('where the user of the machine is the first admin no token is made', async () => {
  using project = smallProject()
  const { username } = userInfo()
  const granted = await lockstep(project.path, 'access', 'grant', username, 'admin', '--all')
  assert.equal(granted.stdout, `${username} is admin in all environments.\n`)
  assert.match(granted.stderr, new RegExp(`Roles count from now on\\. ${username} is who acts on this machine without a token`))
  assert.equal((await lockstep(project.path, 'token', 'list')).stdout, 'There are no tokens.\n')
})

test('an admin of one environment makes and revokes no tokens of who has roles elsewhere', async () => {
  using project = smallProject({ 'lockstep.config.ts': 'export default { environments: { prod: {} } }' })
  const { admin, other } = await withAdmin(project.path)
  await admin('access', 'grant', 'eve', 'admin', '--environment', 'dev')
  await admin('access', 'grant', 'bob', 'reader', '--environment', 'dev')
  await admin('access', 'grant', 'zoe', 'owner', '--environment', 'prod')
  const eve = await other('eve')
  assert.equal((await eve('token', 'create', 'bob', '--principal')).code, 0)
  assert.equal((await eve('token', 'create', 'eve', '--principal')).code, 0)
  for (const name of ['ann', 'zoe'])
    assert.match((await eve('token', 'create', name, '--principal')).stderr, /eve may not administer.*FORBIDDEN/s, name)
  const tokens = JSON.parse((await eve('token', 'list', '--json')).stdout).tokens as { id: string; name: string }[]
  const idOf = (name: string) => tokens.find((token) => token.name === name)?.id ?? ''
  assert.match((await eve('token', 'revoke', idOf('ann'))).stderr, /FORBIDDEN/)
  assert.equal((await eve('token', 'revoke', idOf('bob'))).code, 0)
})

test('lists tell of environments that may be read or administered, and of no others', async () => {
  using project = smallProject({ 'lockstep.config.ts': 'export default { environments: { prod: {} } }' })
  const { admin, other } = await withAdmin(project.path)
  await admin('access', 'grant', 'eve', 'admin', '--environment', 'dev')
  await admin('access', 'grant', 'eve', 'reader', '--environment', 'prod')
  await admin('access', 'grant', 'bob', 'reader', '--environment', 'dev')
  await admin('access', 'grant', 'bob', 'owner', '--environment', 'prod')
  await admin('access', 'grant', 'zoe', 'owner', '--environment', 'prod')
  const [eve, bob] = [await other('eve'), await other('bob')]
  await other('zoe')
  await admin('access', 'revoke', 'bob', 'owner', '--environment', 'prod')
  const registry = new Registry(sqliteDocumentStore({ path: join(project.path, '.lockstep', 'registry.sqlite') }))
  const version = { trainingSet: 'a', view: { name: 'visit', version: 1 }, owner: '', description: '', by: 'test' }
  await registry.models.register('ours', { ...version, environments: ['dev'] })
  await registry.models.register('theirs', { ...version, environments: ['prod'] })
  await registry.close()
  const json = async (as: typeof eve, ...given: string[]) => JSON.parse((await as(...given, '--json')).stdout)
  const roles = async (as: typeof eve) => {
    const { principals } = (await json(as, 'access', 'list')) as { principals: { name: string; grants: { environment: string }[] }[] }
    return principals.map(({ name, grants }) => `${name} ${grants.map(({ environment }) => environment).join()}`)
  }
  assert.deepEqual(await roles(admin), ['ann *', 'bob dev', 'eve dev,prod', 'zoe prod'])
  assert.deepEqual(await roles(eve), ['ann *', 'bob dev', 'eve dev,prod', 'zoe prod'])
  assert.deepEqual(await roles(bob), ['ann *', 'bob dev', 'eve dev'])
  const tokens = async (as: typeof eve) => {
    const { tokens: all } = (await json(as, 'token', 'list')) as { tokens: { name: string; scopes: string[] }[] }
    return all.map(({ name, scopes }) => `${name}: ${scopes.join()}`).toSorted()
  }
  const ofEve = 'eve: admin in dev,reader in prod'
  assert.deepEqual(await tokens(admin), ['ann: admin in all environments', 'bob: reader in dev', ofEve, 'zoe: owner in prod'])
  assert.deepEqual(await tokens(eve), ['ann: admin in all environments', 'bob: reader in dev', ofEve])
  const models = async (as: typeof eve) => ((await json(as, 'model', 'list')) as { name: string }[]).map(({ name }) => name)
  assert.deepEqual([await models(eve), await models(bob)], [['ours', 'theirs'], ['ours']])
})

test('every command asks for the role that it takes, and is refused to who has none', async (t) => {
  using project = smallProject({ 'lockstep.config.ts': 'export default { environments: { prod: {} } }', 'events.ndjson': '' })
  const { path } = project
  const definitions = join(path, 'definitions.ts')
  const edit = (from: string, to: string) => writeFileSync(definitions, readFileSync(definitions, 'utf8').replace(from, to))
  assert.equal((await lockstep(path, 'apply', '--yes')).code, 0)
  edit("owner: 'web'", "owner: 'traffic'")
  assert.equal((await lockstep(path, 'apply', '--yes')).code, 0)
  assert.equal((await lockstep(path, 'promote', '--from', 'dev', '--to', 'prod')).code, 0)
  assert.equal((await lockstep(path, 'train', 'visit', '--labels', 'labels.csv', '--out', 'set.parquet')).code, 0)
  const [set] = JSON.parse((await lockstep(path, 'training-set', 'list', '--json')).stdout) as { id: string }[]
  const id = set?.id ?? ''
  assert.equal((await lockstep(path, 'model', 'register', 'ranker', '--training-set', id)).code, 0)
  assert.equal((await lockstep(path, 'deprecate', 'user_clicks@1.user_price_sum_lifetime', '--reason', 'old')).code, 0)
  const { admin } = await withAdmin(path)
  await admin('access', 'grant', 'bob', 'reader', '--on', 'view:nothing', '--environment', 'prod')
  const { id: token } = JSON.parse((await admin('token', 'create', 'web', '--scope', 'read:visit', '--json')).stdout) as { id: string }
  edit("owner: 'traffic'", "owner: 'clicks'")
  const made = await admin('token', 'create', 'bob', '--principal')
  const folder = process.cwd()
  process.env.LOCKSTEP_TOKEN = made.stdout.trim()
  t.after(() => {
    delete process.env.LOCKSTEP_TOKEN
    process.chdir(folder)
  })
  const given: Readonly<Record<string, readonly string[]>> = {
    'training-set list': [],
    'training-set retire': [id],
    'model register': ['ranker', '--training-set', id],
    'model retire': ['ranker'],
    'access grant': ['bob', 'admin', '--all'],
    'access revoke': ['ann'],
    'access who': ['read'],
    'token create': ['web', '--scope', 'admin'],
    'token revoke': [token],
    'registry export': ['all.json'],
    'registry import': ['all.json'],
    'environment remove': ['prod'],
    describe: ['visit'],
    search: ['click'],
    lineage: ['user_clicks.user_click_count_1h'],
    statistics: ['user_clicks'],
    compare: ['visit', '1', '1'],
    get: ['visit', 'user_id=1'],
    explain: ['visit.user_plan', 'user_id=1'],
    train: ['visit', '--labels', 'labels.csv', '--out', 'other.parquet'],
    parity: ['visit'],
    push: ['clicks', 'events.ndjson'],
    backfill: ['user_daily', '--from', '2026-03-01', '--to', '2026-03-02'],
    replay: ['user_clicks'],
    apply: ['--yes'],
    switch: ['visit', '1'],
    rollback: ['1'],
    promote: ['--from', 'dev', '--to', 'prod'],
    deprecate: ['view:visit@1', '--reason', 'old'],
    remove: ['view:visit@1'],
    restore: ['user_clicks@1.user_price_sum_lifetime'],
    forget: ['user', 'user_id=1', '--dry-run'],
    serve: ['--port', '0'],
  }
  const withActions = ['training-set', 'model', 'registry', 'access', 'token', 'environment']
  const names = program().commands.map((command) => command.name())
  const known = new Set(Object.keys(commandRoles).map((name) => name.split(' ')[0]))
  assert.deepEqual([...known].toSorted(), names.toSorted(), 'a role is named for every command')
  const words = { admin: 'administer' } as Readonly<Record<string, string>>
  for (const [name, role] of Object.entries(commandRoles)) {
    if (role === null) continue
    assert.equal(withActions.includes(name.split(' ')[0] ?? ''), name.includes(' '), name)
    // What comes from another environment is read there first.
    const operation = name === 'promote' ? 'read' : role.operation
    const commandLine = ['--project', path, '--quiet', ...name.split(' '), ...(given[name] ?? [])]
    const expected = { code: 'FORBIDDEN', message: new RegExp(`^bob may not ${words[operation] ?? operation}\\b`) }
    await assert.rejects(program().parseAsync(commandLine, { from: 'user' }), expected, name)
  }
})
