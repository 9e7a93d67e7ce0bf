import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { lockstep, lockstepAs, smallProject } from '../../../test/support/command-line.ts'

const settings = `export default {
  checks: { owner: 'off', description: 'off', 'name-window': 'off', 'name-window-contradiction': 'off' },
  environments: { prod: { checks: { owner: 'error' } } },
}`

test('plan, apply, raise versions, roll back, promote: the environment says what counts', async () => {
  using project = smallProject({ 'lockstep.config.ts': settings })
  const { path } = project
  const run = async (code: number, ...commandLine: string[]) => {
    const finished = await lockstep(path, ...commandLine)
    assert.equal(finished.code, code, `${commandLine.join(' ')}\n${finished.stdout}${finished.stderr}`)
    return finished
  }
  const edit = (from: RegExp, to: string) => {
    const file = join(path, 'definitions.ts')
    const text = readFileSync(file, 'utf8')
    assert.match(text, from)
    writeFileSync(file, text.replace(from, to))
  }
  await run(2, 'plan', '--out', 'plan.json', '--sample', '0')
  assert.match((await run(64, 'apply')).stderr, /Nobody is there to confirm/)
  assert.match((await run(0, 'apply', 'plan.json', '--as', 'ann', '--message', 'first')).stdout, /Applied 9 changes: dev is at apply 1/)
  assert.match((await run(1, 'apply', 'plan.json')).stderr, /PLAN_OUTDATED/)
  assert.match((await run(0, 'plan')).stdout, /Nothing to do in dev/)

  edit(/over\('1h'\)/, "over('2h')")
  const refused = JSON.parse((await run(1, 'plan', '--json')).stdout)
  assert.deepEqual(
    refused.refusals.map(({ code, where }: { code: string; where: string }) => `${code} ${where}`),
    [
      'IMMUTABLE_VERSION feature group user_clicks',
      'IMMUTABLE_VERSION on-demand view context',
      'IMMUTABLE_VERSION feature view offer',
      'IMMUTABLE_VERSION feature view visit',
    ],
  )
  assert.equal(refused.comparisons[0].comparison.keys, 2)
  // What is applied counts, unless the files are asked for.
  const applied = await run(0, 'describe', 'user_click_count_1h')
  assert.match(applied.stdout, /count\(\) over 1h/)
  assert.match(applied.stderr, /The files differ from what is applied in dev/)
  assert.match((await run(0, 'describe', 'user_click_count_1h', '--files')).stdout, /count\(\) over 2h/)

  edit(/name: 'user_clicks',/, "name: 'user_clicks', version: 2,")
  edit(/name: 'context',/, "name: 'context', version: 2,")
  edit(/name: 'visit',/, "name: 'visit', version: 2,")
  edit(/version: 3/, 'version: 4')
  await run(0, 'apply', '--yes', '--quiet')
  assert.match((await run(0, 'get', 'visit', 'user_id=1', '--as-of', '2026-03-01T12:00:00Z', '--quiet')).stdout, /visit version 1 /)
  assert.match((await run(0, 'get', 'visit@2', 'user_id=1', '--as-of', '2026-03-01T12:00:00Z', '--quiet')).stdout, /visit version 2 /)

  assert.match((await run(1, 'promote', '--from', 'dev', '--to', 'prod')).stderr, /POLICY_VIOLATED/)
  await run(0, 'rollback', '--message', 'oops')
  const history = JSON.parse((await run(0, 'history', '--json')).stdout)
  assert.deepEqual(
    history.map(({ number, kind, message }: { number: number; kind: string; message: string }) => [number, kind, message]),
    [
      [3, 'rollback', 'oops'],
      [2, 'apply', ''],
      [1, 'apply', 'first'],
    ],
  )
  assert.equal(history[2].by, 'ann')
  assert.match((await run(1, 'get', 'visit@2', 'user_id=1', '--quiet')).stderr, /visit@2 was removed by .* \(oops\) in dev/)
})

test('what is promoted comes from the registry, and only its code from the files', async () => {
  using project = smallProject({ 'lockstep.config.ts': settings.replace("{ owner: 'error' }", "{ owner: 'off' }") })
  const { path } = project
  assert.equal((await lockstep(path, 'apply', '--yes')).code, 0)
  const file = join(path, 'definitions.ts')
  const text = readFileSync(file, 'utf8')
  writeFileSync(file, text.replace("over('1h')", "over('5h')"))
  assert.equal((await lockstep(path, 'promote', '--from', 'dev', '--to', 'prod', '--dry-run')).code, 2)
  const promoted = await lockstep(path, 'promote', '--from', 'dev', '--to', 'prod')
  assert.match(promoted.stdout, /prod is at apply 1/, promoted.stderr)
  assert.match((await lockstep(path, 'describe', 'user_click_count_1h', '--environment', 'prod')).stdout, /count\(\) over 1h/)
  assert.match((await lockstep(path, 'promote', '--from', 'dev', '--to', 'staging')).stderr, /no environment staging.*--new-environment/s)
})

test('an environment is begun on purpose: a slip in its name is an error, before and after', async () => {
  using project = smallProject()
  const run = (...given: string[]) => lockstep(project.path, ...given)
  const refused = await run('apply', '--yes', '--environment', 'prod')
  assert.equal(refused.code, 64)
  assert.match(refused.stderr, /There is no environment prod; there are dev[\s\S]*--new-environment/)
  assert.equal((await run('apply', '--yes', '--environment', 'prod', '--new-environment')).code, 0)
  assert.equal((await run('describe', 'visit', '--environment', 'prod')).code, 0)
  assert.match((await run('get', 'visit', 'user_id=1', '--environment', 'prd')).stderr, /there are dev, prod; did you mean prod\?/)
  assert.equal((await run('apply', '--yes')).code, 0, 'the default one is nothing special to begin')
})

test('who may change definitions is asked for all that changes', async () => {
  using project = smallProject({ 'lockstep.config.ts': settings })
  const { path } = project
  assert.equal((await lockstep(path, 'apply', '--yes')).code, 0)
  const file = join(path, 'definitions.ts')
  const edit = (from: string, to: string) => writeFileSync(file, readFileSync(file, 'utf8').replace(from, to))
  edit("owner: 'growth', tags: ['web']", "owner: 'traffic', tags: ['web']")
  const did = async (token: string, ...given: string[]) => {
    const { code, stdout, stderr } = await lockstepAs(token, path, ...given)
    assert.equal(code, 0, stderr)
    return stdout
  }
  const admin = JSON.parse(await did('', 'access', 'grant', 'ann', 'admin', '--all', '--json')).token as string
  const tokens: string[] = []
  for (const [name, on] of [
    ['bob', 'tag:web'],
    ['eve', 'tag:other'],
  ] as const) {
    await did(admin, 'access', 'grant', name, 'owner', '--on', on)
    tokens.push((await did(admin, 'token', 'create', name, '--principal')).trim())
  }
  const [bob = '', eve = ''] = tokens
  assert.match((await lockstepAs(eve, path, 'apply', '--yes')).stderr, /FORBIDDEN/)
  assert.equal((await lockstepAs(bob, path, 'apply', '--yes')).code, 0)
  assert.match((await lockstepAs(eve, path, 'rollback')).stderr, /FORBIDDEN/)
  edit("name: 'user_daily',", "name: 'user_daily', tags: ['web'],")
  // A tag that somebody gives to what is not theirs gives them no role on it.
  assert.match((await lockstepAs(bob, path, 'apply', '--yes')).stderr, /bob may not define group:user_daily/)
})

test('a plan that cannot be used says so, each with its own way out', async () => {
  using project = smallProject({ 'lockstep.config.ts': `export default { checks: { owner: 'error' } }` })
  const apply = (...more: string[]) => lockstep(project.path, 'apply', 'p.json', ...more)
  const nowhere = await lockstep(project.path, 'plan', '--out', 'nowhere/p.json', '--sample', '0')
  assert.equal(nowhere.code, 64)
  assert.match(nowhere.stderr, /There is no folder .*nowhere[\s\S]*INVALID_ARGUMENT/)
  assert.match((await apply()).stderr, /There is no such plan[\s\S]*lockstep plan --out FILE; or apply the files/)
  const labels = readFileSync(join(project.path, 'labels.csv'), 'utf8')
  const over = await lockstep(project.path, 'plan', '--out', 'labels.csv', '--sample', '0')
  assert.equal(over.code, 1)
  assert.match(over.stderr, /no plan[\s\S]*OUTPUT_EXISTS/)
  assert.equal(readFileSync(join(project.path, 'labels.csv'), 'utf8'), labels)
  await lockstep(project.path, 'plan', '--out', 'p.json', '--sample', '0')
  const plan = await lockstep(project.path, 'plan', '--out', 'p.json', '--sample', '0')
  assert.equal(plan.code, 1, 'a plan replaces a plan')
  assert.match(plan.stdout, /Written to p\.json: it would be refused/)
  assert.equal(statSync(join(project.path, 'p.json')).mode & 0o777, 0o600)
  assert.match((await apply('--environment', 'prod', '--new-environment')).stderr, /one for dev, and not for prod[\s\S]*--environment dev/)
  const text = readFileSync(join(project.path, 'p.json'), 'utf8')
  writeFileSync(join(project.path, 'p.json'), text.slice(0, text.length / 2))
  assert.match((await apply()).stderr, /cut off[\s\S]*Make it again/)
})
