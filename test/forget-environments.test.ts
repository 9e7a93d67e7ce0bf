import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lockstep, smallProject } from './support/command-line.ts'

interface Report {
  readonly places: readonly { readonly place: string; readonly name: string; readonly after: number | null }[]
  readonly others: readonly { readonly environment: string; readonly report: Report | null; readonly why: string | null }[]
}

test('a subject is looked for in all environments, and erased in all of them where that is asked for', async () => {
  using project = smallProject({
    'lockstep.config.ts': "export default { environments: { prod: {}, broken: { online: { redis: 'redis://127.0.0.1:1' } } } }\n",
  })
  const run = (...given: string[]) => lockstep(project.path, ...given)
  for (const environment of ['dev', 'prod']) {
    const { code, stderr } = await run('materialize', 'user_profile', '--environment', environment)
    assert.equal(code, 0, stderr)
  }
  const forget = async (...given: string[]) => {
    const { code, stdout, stderr } = await run('forget', 'user', 'user_id=1', '--rewrite-sources', '--json', ...given)
    assert.ok(stdout.startsWith('{'), stderr)
    return { code, report: JSON.parse(stdout) as Report }
  }
  const placesOf = (report: Report | null | undefined) => report?.places.map(({ place, name, after }) => `${place} ${name} ${after}`)
  const one = await forget()
  const [broken, prod] = one.report.others
  assert.equal(one.code, 0, 'nothing is left where it was asked for')
  assert.deepEqual([one.report.others.map(({ environment }) => environment), broken?.report], [['broken', 'prod'], null])
  assert.match(broken?.why ?? '', /Redis/)
  assert.ok(placesOf(one.report)?.includes('online user_profile@1 0'))
  assert.deepEqual(placesOf(prod?.report), ['online user_profile@1 1', 'statistics user_profile@1 1'])

  const shown = await run('forget', 'user', 'user_id=1')
  assert.match(
    shown.stdout,
    /prod still holds the subject, or may: online user_profile@1, statistics user_profile@1\. Add --all-environments/,
  )
  const all = await forget('--all-environments')
  assert.equal(all.code, 1, 'one environment could not be looked at')
  assert.deepEqual(placesOf(all.report.others[1]?.report), ['online user_profile@1 0', 'statistics user_profile@1 0'])
  assert.deepEqual(placesOf((await forget()).report.others[1]?.report), [])
})
