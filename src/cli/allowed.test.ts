import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { lockstep, smallProject } from '../../test/support/command-line.ts'
import { sqliteDocumentStore } from '../registry/drivers/sqlite.ts'
import { Registry } from '../registry/index.ts'
import { program } from './program.ts'

test('each role may do what it may, and no more', async (context) => {
  using project = smallProject({ 'events.ndjson': '{"click_id":"z","user_id":1,"page":"home","price":null,"at":"2026-03-02T10:00:00Z"}\n' })
  const { path } = project
  const edited = (of: string, to: string, from: string, by: string) =>
    writeFileSync(join(path, to), readFileSync(join(path, of), 'utf8').replace(from, by))
  assert.equal((await lockstep(path, 'apply', '--yes')).code, 0)
  edited('definitions.ts', 'clicks.ts', "owner: 'growth', tags", "owner: 'web', tags")
  edited('clicks.ts', 'daily.ts', "name: 'user_daily',", "name: 'user_daily', owner: 'growth',")
  const tokens = new Map<string, string>()
  const registry = new Registry(sqliteDocumentStore({ path: join(path, '.lockstep', 'registry.sqlite') }))
  for (const [role, environment, on] of [
    ['admin', '*', '*'],
    ['reader', 'dev', '*'],
    ['writer', 'dev', '*'],
    ['owner', 'dev', 'group:user_clicks'],
  ] as const) {
    await registry.access.grant(role, { role, environment, on }, { by: 'test' })
    tokens.set(role, (await registry.access.createToken({ principal: role, by: 'test' })).text)
  }
  await registry.close()
  const folder = process.cwd()
  context.after(() => {
    delete process.env.LOCKSTEP_TOKEN
    process.exitCode = undefined
    process.chdir(folder)
  })
  /** Each command with who may do it; the owner has one group only. In this order, as each apply goes on from the one before. */
  const table: readonly (readonly [commandLine: string, allowed: string])[] = [
    ['list', 'reader writer owner admin'],
    ['describe visit', 'reader writer owner admin'],
    ['materialize user_profile user_daily', 'writer admin'],
    ['materialize user_clicks', 'writer owner admin'],
    ['get visit user_id=1', 'reader writer admin'],
    ['statistics user_clicks', 'reader writer owner admin'],
    ['apply --yes --definitions daily.ts', 'admin'],
    ['apply --yes --definitions clicks.ts', 'admin'],
    ['apply --yes --definitions definitions.ts', 'owner admin'],
    ['forget user user_id=9 --dry-run', 'admin'],
    ['access grant bob reader', 'admin'],
    ['token list', 'admin'],
    ['audit', 'admin'],
  ]
  const found: string[][] = []
  for (const [commandLine] of table) {
    const may: string[] = []
    for (const name of ['reader', 'writer', 'owner', 'admin']) {
      process.env.LOCKSTEP_TOKEN = tokens.get(name)
      process.chdir(path)
      try {
        await program().parseAsync(['--quiet', ...commandLine.split(' ')], { from: 'user' })
        may.push(name)
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'FORBIDDEN', `${name} ${commandLine}: ${String(error)}`)
      }
    }
    found.push([commandLine, may.join(' ')])
  }
  assert.deepEqual(found, table)
})
