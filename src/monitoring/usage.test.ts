import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { servedRead } from '../../test/support/served-read.ts'
import { systemClock } from '../lib/clock.ts'
import { momentMicros } from '../lib/moment.ts'
import { UsageLog } from './usage.ts'
import { others } from './usage-counts.ts'

const root = mkdtempSync(join(tmpdir(), 'lockstep-usage-'))
after(() => rmSync(root, { recursive: true }))
const freshFolder = () => mkdtempSync(join(root, 'folder-'))
const begin = momentMicros('2026-03-01T10:00:00Z')
const hour = 3_600_000_000
const at = (moment: number) => ({ ...systemClock, now: () => moment })
const files = (folder: string) => readdirSync(folder).filter((name) => name.endsWith('.json'))

test('reads are counted by caller, model, view and feature, with the first and the last', async () => {
  const folder = freshFolder()
  {
    await using log = await UsageLog.open(folder, at(begin))
    log.count(servedRead())
    log.count(servedRead({ knownAt: begin + hour, keys: [{ user_id: 'a' }, { user_id: 'b' }] }))
    log.count(servedRead({ caller: 'mail', features: ['user_last_page'], version: 2 }))
    const usages = await log.read()
    assert.deepEqual(
      usages.map(({ caller, version, feature, requests, vectors }) => [caller, version, feature, requests, vectors]),
      [
        ['web', 1, 'user_click_count_1h', 2, 3],
        ['web', 1, 'user_last_page', 2, 3],
        ['mail', 2, 'user_last_page', 1, 1],
      ],
    )
    assert.deepEqual([usages[0]?.first, usages[0]?.last, usages[0]?.view, usages[0]?.model], [begin, begin + hour, 'ranking', 'm1'])
  }
  await using again = await UsageLog.open(folder, at(begin))
  assert.equal((await again.read()).length, 3)
})

test('two processes at once lose nothing, and count nothing twice', async () => {
  const folder = freshFolder()
  await using one = await UsageLog.open(folder, at(begin))
  await using other = await UsageLog.open(folder, at(begin))
  for (let read = 0; read < 50; read++) {
    one.count(servedRead())
    other.count(servedRead())
    if (read % 10 === 0) await Promise.all([one.flush(), other.flush()])
  }
  await Promise.all([one.flush(), other.flush()])
  for (const log of [one, other]) assert.equal((await log.read())[0]?.requests, 100)
})

test('since: whole days', async () => {
  await using log = await UsageLog.open(freshFolder(), at(begin))
  for (const days of [0, 1, 2]) log.count(servedRead({ knownAt: begin + days * 24 * hour }))
  const requests = async (since: number) => (await log.read({ since }))[0]?.requests
  assert.deepEqual([await requests(begin), await requests(begin + 15 * hour), await requests(begin + 96 * hour)], [3, 2, undefined])
})

test('a killed process loses what it counted since the last flush, no more', async () => {
  const folder = freshFolder()
  const source = `import { UsageLog } from ${JSON.stringify(new URL('./usage.ts', import.meta.url).href)}
import { servedRead } from ${JSON.stringify(new URL('../../test/support/served-read.ts', import.meta.url).href)}
const log = await UsageLog.open(${JSON.stringify(folder)}, undefined, { flushEvery: 50 })
for (let read = 0; read < 7; read++) log.count(servedRead())
console.log('counted')
setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--conditions=source', '--input-type=module-typescript', '--eval', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  await setTimeout(400)
  child.kill('SIGKILL')
  await once(child, 'close')
  assert.equal(files(folder).length, 1)
  await using log = await UsageLog.open(folder, at(begin))
  assert.equal((await log.read())[0]?.requests, 7)
  assert.deepEqual(
    files(folder).map((name) => name.split('-')[0]),
    ['merged'],
  )
})

test('files that nobody writes any more become one, and old days are forgotten', async () => {
  const folder = freshFolder()
  let now = begin
  await using log = await UsageLog.open(folder, { ...systemClock, now: () => now }, { keepDays: 10 })
  for (let day = 0; day < 14; day++) {
    now = begin + day * 24 * hour
    log.count(servedRead({ knownAt: now }))
    await log.flush()
    assert.equal((await log.read())[0]?.requests, Math.min(day + 1, 11), `day ${day}`)
    assert.ok(files(folder).length <= 3, files(folder).join())
  }
  await log.close()
  await using later = await UsageLog.open(folder, at(now + 100 * 24 * hour), { keepDays: 1000 })
  assert.deepEqual([(await later.read())[0]?.requests, files(folder).length], [11, 1])
})

test('what was merged does not count twice where its files are still there', async () => {
  const folder = freshFolder()
  {
    await using log = await UsageLog.open(folder, at(begin))
    log.count(servedRead())
  }
  const name = files(folder)[0] as string
  const merged = { merged: [name], features: [['a']], days: { '20513': [['web', '', 'ranking', 1, 0, 5, 5, begin, begin]] } }
  writeFileSync(join(folder, 'merged-elsewhere.json'), JSON.stringify(merged))
  await using log = await UsageLog.open(folder, at(begin))
  assert.deepEqual(
    (await log.read()).map(({ feature, requests }) => [feature, requests]),
    [['a', 5]],
  )
})

test('callers without end are counted together', async () => {
  await using log = await UsageLog.open(freshFolder(), at(begin))
  for (let caller = 0; caller < 10_050; caller++) log.count(servedRead({ caller: `c${caller}`, features: ['a'] }))
  const usages = await log.read()
  assert.equal(usages.length, 10_001)
  assert.equal(usages.find(({ caller }) => caller === others)?.requests, 50)
  assert.equal(
    usages.reduce((sum, { requests }) => sum + requests, 0),
    10_050,
  )
})

test('choices of features without end are counted feature by feature', async () => {
  const folder = freshFolder()
  const names = Array.from({ length: 16 }, (_, place) => `f${place}`)
  const begun = async () => await UsageLog.open(folder, at(begin))
  {
    await using log = await begun()
    for (let choice = 1; choice < 12_000; choice++) log.count(servedRead({ features: names.filter((_, place) => (choice >> place) & 1) }))
  }
  await using log = await begun()
  const usages = await log.read()
  assert.ok(usages.length <= 32, `${usages.length}`)
  const all = usages.filter(({ feature }) => feature === 'f0').reduce((sum, { requests }) => sum + requests, 0)
  assert.equal(all, 6000)
})

test('a file that cannot be read is named', async () => {
  const folder = freshFolder()
  await using log = await UsageLog.open(folder, at(begin))
  writeFileSync(join(folder, 'process-elsewhere.1.json'), '{')
  await assert.rejects(log.read(), { code: 'STORE_CORRUPT', message: /process-elsewhere\.1\.json/ })
})

test('what is counted is shared now and then and at the end, all of a day each time; a failure costs nothing', async () => {
  const [shared, warned]: [[number, number][], unknown[]] = [[], []]
  let fails = true
  const share = async (_process: string, day: number, counts: Iterable<{ readonly requests: number }>) => {
    if (fails) throw new Error('away')
    shared.push([day, [...counts].reduce((sum, { requests }) => sum + requests, 0)])
  }
  const log = await UsageLog.open(freshFolder(), at(begin), { share, shareEvery: 50, warn: (error) => warned.push(error) })
  log.count(servedRead())
  await log.flush()
  assert.deepEqual([shared, warned.length], [[], 1])
  fails = false
  log.count(servedRead())
  await log.flush()
  assert.deepEqual(shared, [])
  await setTimeout(60)
  await log.flush()
  const day = Math.floor(begin / 86_400_000_000)
  assert.deepEqual(shared, [[day, 2]])
  log.count(servedRead())
  await log.close()
  assert.deepEqual(shared, [
    [day, 2],
    [day, 3],
  ])
})
