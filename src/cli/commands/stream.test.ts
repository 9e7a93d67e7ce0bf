import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { Workspace } from '../../../scripts/workspace.ts'
import { lockstep, smallProject, startLockstep } from '../../../test/support/command-line.ts'

const pushed = [
  { click_id: 'e', user_id: 1, page: 'hats', price: '4.00', at: '2026-03-02T09:00:00Z' },
  { click_id: 'x', user_id: 1, page: 'socks', price: '1.25', at: '2026-03-02T09:10:00Z' },
  { click_id: 'y', user_id: 7, page: 'home', price: null, at: '2026-03-02T09:20:00Z' },
]

function streamedProject(events: readonly unknown[] = pushed): Workspace {
  const project = smallProject({ 'new.ndjson': events.map((event) => `${JSON.stringify(event)}\n`).join('') })
  const definitions = join(project.path, 'definitions.ts')
  const text = readFileSync(definitions, 'utf8')
    .replace('topK }', 'topK, topic }')
    .replace(
      "history: csv('data/clicks.csv'),",
      "history: csv('data/clicks.csv'), stream: topic('clicks', { key: 'user_id', partitions: 2 }),",
    )
  writeFileSync(definitions, text)
  return project
}

const json = async (project: Workspace, ...given: string[]) => {
  const { code, stdout, stderr } = await lockstep(project.path, ...given, '--json')
  assert.equal(code, 0, stderr)
  return JSON.parse(stdout)
}

test('what is pushed is served, counted and in history; a replay gives the same', async () => {
  using project = streamedProject()
  assert.deepEqual(await json(project, 'push', 'clicks', 'new.ndjson'), { source: 'clicks', events: 3, dryRun: false })
  const { groups, sources } = await json(project, 'stream', '--until-caught-up')
  // One of them history has already. The group that is scheduled takes no part.
  assert.deepEqual(
    groups.map(({ group, filled, lag, workers }: Record<string, unknown>) => ({ group, filled, lag, workers: (workers as []).length })),
    [{ group: 'user_clicks', filled: true, lag: 0, workers: 1 }],
  )
  assert.deepEqual([sources[0].events, sources[0].landed, sources[0].deadLetters], [3, 3, 0])
  assert.deepEqual(await json(project, 'status'), { groups, sources })

  const read = async () => (await json(project, 'get', 'visit', 'user_id=1', '--as-of', '2026-03-02T09:30:00Z')).values
  const values = await read()
  assert.deepEqual([values.user_click_count_1h, values.user_price_sum_lifetime], [2, '18.00'])
  await lockstep(project.path, 'replay', 'user_clicks')
  assert.deepEqual(await read(), values)
  const history = await json(project, 'explain', 'visit.user_price_sum_lifetime', 'user_id=1', '--as-of', '2026-03-02T09:30:00Z')
  assert.equal(history.value, '18.00')
})

test('a line that is no event is named, and nothing of its batch is pushed', async () => {
  using project = streamedProject([pushed[0], { ...pushed[1], price: 'much' }])
  const { code, stderr } = await lockstep(project.path, 'push', 'clicks', 'new.ndjson', '--dry-run')
  assert.equal(code, 1)
  assert.match(stderr, /event 2/)
  assert.match(stderr, /price/)
  writeFileSync(join(project.path, 'bad.ndjson'), '{"click_id": 1}\n[1]\n')
  assert.match((await lockstep(project.path, 'push', 'clicks', 'bad.ndjson')).stderr, /line 2/)
  assert.match((await lockstep(project.path, 'push', 'klicks', 'new.ndjson')).stderr, /did you mean clicks\?/)
  assert.equal((await json(project, 'status')).sources[0].lag, 0)
})

test('workers share the work until they are told to stop', async () => {
  using project = streamedProject()
  const { child, ended } = startLockstep(project.path, ['stream', '--workers', '2', '--progress', '--json'])
  assert.equal((await lockstep(project.path, 'push', 'clicks', 'new.ndjson')).code, 0)
  for (let tries = 0; tries < 100; tries++) {
    const [group] = (await json(project, 'status')).groups
    if (group.filled && group.lag === 0) break
    await setTimeout(100)
  }
  child.kill('SIGTERM')
  const { code, stdout, stderr } = await ended
  assert.equal(code, 0, stderr)
  const [group] = JSON.parse(stdout).groups
  assert.equal(group.lag, 0)
  assert.match(stderr, /events\/s {2}lag \d+ {2}watermark .* {2}late 0 .* {2}state \d/)
})

test('groups that are applied while it runs are filled and kept up to date; it leaves those that are gone', async () => {
  using project = streamedProject()
  await json(project, 'apply', '--yes')
  const { child, ended } = startLockstep(project.path, ['stream'])
  let told = ''
  child.stderr?.on('data', (text: string) => (told += text))
  await json(project, 'push', 'clicks', 'new.ndjson')
  const definitions = join(project.path, 'definitions.ts')
  const added = `export const userPages = featureGroup({
    name: 'user_pages', entity: user, source: clicks, features: () => ({ user_page_count_lifetime: count() }) })
export const pages = featureView({ name: 'pages', features: [userPages] })\n`
  writeFileSync(definitions, readFileSync(definitions, 'utf8') + added)
  await json(project, 'apply', '--yes')
  for (let tries = 0; tries < 100; tries++) {
    const { groups } = await json(project, 'status')
    if (groups.length === 2 && groups.every(({ filled, lag }: { filled: boolean; lag: number }) => filled && lag === 0)) break
    await setTimeout(100)
  }
  const { values } = await json(project, 'get', 'pages', 'user_id=1', '--as-of', '2026-03-02T09:30:00Z')
  assert.deepEqual(values, { user_page_count_lifetime: 5 })
  await json(project, 'rollback', '--to', '1')
  for (let tries = 0; tries < 100 && !told.includes('apply 3'); tries++) await setTimeout(100)
  child.kill('SIGINT')
  const { code, stdout, stderr } = await ended
  assert.equal(code, 0, stderr)
  assert.match(stderr, /Works with apply 2 of dev now\.[\s\S]*Works with apply 3 of dev now\./)
  assert.doesNotMatch(stdout, /user_pages/)
})

test('told to stop at any moment of its start, it ends', async () => {
  using project = streamedProject()
  await Promise.all(
    [300, 450, 600, 750, 900, 1100].map(async (delay) => {
      const { child, ended } = startLockstep(project.path, ['stream', '--json'])
      await setTimeout(delay)
      child.kill('SIGTERM')
      const { code, signal, stderr } = await ended
      assert.ok(code === 0 || code === 130 || signal === 'SIGTERM', `${code} ${stderr}`)
    }),
  )
})

test('a project without a stream says how to have one', async () => {
  using project = smallProject()
  const { code, stderr } = await lockstep(project.path, 'stream')
  assert.equal(code, 64)
  assert.match(stderr, /stream: topic/)
})
