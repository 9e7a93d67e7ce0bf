import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { lockstep, smallProject } from '../../../test/support/command-line.ts'
import { TokenFile, tokensPath } from '../../server/index.ts'

test('makes a token that is shown once, lists it, revokes it', async () => {
  using project = smallProject()
  const token = (...given: string[]) => lockstep(project.path, 'token', ...given)
  const none = await token('list')
  assert.deepEqual([none.code, none.stdout], [0, 'There are no tokens.\n'])

  const made = await token('create', 'web', '--scope', 'read:visit', '--scope', 'push:clicks', '--rate', '20')
  assert.deepEqual([made.code, made.stderr], [0, 'Note:   This is the only time that the token is shown.\n'])
  const text = made.stdout.trim()
  const file = TokenFile.open(tokensPath(join(project.path, '.lockstep')))
  const found = file.find(text)
  assert.deepEqual([found?.name, found?.scopes, found?.rate], ['web', ['read:visit', 'push:clicks'], 20])
  const days = ((found?.expires ?? 0) - (found?.created ?? 0)) / 86_400_000_000
  assert.ok(Math.abs(days - 90) < 0.01, `${days}`)

  const listed = await token('list')
  assert.match(
    listed.stdout,
    /^id +name +scopes +rate +created +state\n[0-9a-f]{16} +web +read:visit push:clicks +20 +20\S+Z +expires 20\S+Z\n$/,
  )
  assert.ok(!listed.stdout.includes(text.slice(-20)))
  const revoked = await token('revoke', found?.id ?? '')
  assert.deepEqual([revoked.code, revoked.stdout], [0, `The token ${found?.id} of web is revoked.\n`])
  const [one] = JSON.parse((await token('list', '--json')).stdout).tokens
  assert.deepEqual([one.valid, one.name, typeof one.revoked], [false, 'web', 'string'])
  assert.equal(TokenFile.open(tokensPath(join(project.path, '.lockstep'))).find(text), null)
})

test('one that never expires, as JSON; a scope of nothing is warned of', async () => {
  using project = smallProject()
  const { code, stdout, stderr } = await lockstep(
    project.path,
    'token',
    'create',
    'ops',
    '--scope',
    'read:vist',
    '--expires',
    'never',
    '--json',
  )
  assert.equal(code, 0)
  assert.match(stderr, /Nothing has the name in read:vist\./)
  const json = JSON.parse(stdout)
  assert.deepEqual([json.name, json.expires, json.valid], ['ops', null, true])
  assert.match(json.token, /^lockstep_/)
  assert.ok(!readFileSync(tokensPath(join(project.path, '.lockstep')), 'utf8').includes(json.token.split('_')[2]))
})

test('a token of the file is told of before it is made, and has the name of nobody who has roles', async () => {
  using project = smallProject()
  const run = (...given: string[]) => lockstep(project.path, ...given)
  await run('access', 'grant', 'bob', 'reader')
  const refused = await run('token', 'create', 'bob', '--scope', 'admin')
  assert.match(refused.stderr, /bob is a principal of the registry/)
  assert.ok(!existsSync(tokensPath(join(project.path, '.lockstep'))))
  const { id } = JSON.parse((await run('token', 'create', 'web', '--scope', 'read:visit', '--json')).stdout) as { id: string }
  await run('token', 'revoke', id)
  const { entries } = JSON.parse((await run('audit', '--json')).stdout) as { entries: { action: string; on: string; after: object }[] }
  const told = entries.filter(({ action }) => action.startsWith('token')).map(({ action, on }) => `${action} ${on}`)
  const inOrder = ['token.create.begin web', 'token.create web', 'token.revoke.begin web', 'token.revoke web']
  assert.deepEqual(told.toSorted(), inOrder.toSorted())
})

test('what makes no sense is refused, and makes nothing', async () => {
  using project = smallProject()
  const wrong: [given: string[], code: number, message: RegExp][] = [
    [['mint', 'web'], 64, /"mint" is nothing that can be done with tokens/],
    [['create'], 64, /needs a name/],
    [['create', 'web'], 64, /needs a scope/],
    [['create', 'web', '--scope', 'rea:visit'], 64, /"rea:visit" is not a scope/],
    [['create', 'web', '--scope', 'admin', '--expires', 'soon'], 64, /INVALID_DURATION/],
    [['create', 'web', '--scope', 'admin', '--rate', 'fast'], 64, /"fast" is not a number of requests/],
    [['revoke'], 64, /id of the token is missing/],
    [['revoke', 'web'], 1, /There is no token web/],
    [['list', 'web'], 64, /All tokens are listed/],
  ]
  await Promise.all(
    wrong.map(async ([given, code, message]) => {
      const answer = await lockstep(project.path, 'token', ...given)
      assert.equal(answer.code, code, answer.stderr)
      assert.match(answer.stderr, message)
    }),
  )
  assert.ok(!existsSync(tokensPath(join(project.path, '.lockstep'))))
})
