import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { lockstep, smallProject, startLockstep } from '../../../test/support/command-line.ts'

const expected = `user_id,at,budget,bought,user_click_count_1h,user_price_sum_lifetime,user_top_pages_lifetime,user_last_page_daily,user_plan
1,2026-03-01 11:20:00+00,30,1,2,12.75,"[shoes, home]",,free
2,2026-03-01 11:20:00+00,5,0,1,0.00,[home],,
9,2026-03-01 11:20:00+00,1,0,0,0.00,[],,
1,2026-03-02 12:00:00+00,8,1,0,16.75,"[shoes, hats]",shoes,paid
`

test('writes a training set and says what it holds', async () => {
  using project = smallProject()
  const { code, stdout, stderr } = await lockstep(project.path, 'train', 'visit', '--labels', 'labels.csv', '--out', 'out/visit.csv')
  assert.deepEqual([code, stderr], [0, ''])
  assert.match(stdout, /^Training set of visit version 1: 4 rows, 5 features, in /)
  assert.match(stdout, /\nfeature +null\nuser_click_count_1h +0\.0 %\n/)
  assert.match(stdout, /\nuser_last_page_daily +75\.0 %\n/)
  assert.match(stdout, /\nWritten to out\/visit\.csv \(\d+ B\)\n$/)
  assert.equal(readFileSync(join(project.path, 'out/visit.csv'), 'utf8'), expected)
  const manifest = JSON.parse(readFileSync(join(project.path, 'out/visit.csv.manifest.json'), 'utf8'))
  assert.equal(manifest.rows, 4)
})

test('as JSON: one document, with the manifest', async () => {
  using project = smallProject()
  const options = ['--split', 'test=2026-03-02', '--memory', '512MiB', '--threads', '1', '--format', 'csv', '--json', '--progress']
  const { code, stdout, stderr } = await lockstep(
    project.path,
    'train',
    'offer@3',
    '--labels',
    'labels.csv',
    '--out',
    'offer.txt',
    ...options,
  )
  assert.equal(code, 0, stderr)
  const { path, format, manifest, reports } = JSON.parse(stdout)
  assert.deepEqual([path, format, manifest.view.name, manifest.view.version, manifest.rows], ['offer.txt', 'csv', 'offer', 3, 4])
  assert.deepEqual(manifest.split, { by: 'time', test: '2026-03-02' })
  assert.deepEqual(reports, [{ source: 'clicks', rows: 5, setAside: 0, problems: [] }])
  assert.match(stderr, /reading clicks/)
  const [header, ...rows] = readFileSync(join(project.path, 'offer.txt'), 'utf8').trim().split('\n')
  assert.equal(header, 'user_id,at,budget,bought,split,user_click_count_1h,budget_per_click')
  assert.deepEqual(
    rows.map((row) => row.split(',').slice(4).join(',')),
    ['train,2,15.0', 'train,1,5.0', 'train,0,', 'test,0,'],
  )
})

test('columns under other names, from where the user is', async () => {
  using project = smallProject({ 'elsewhere/who.ndjson': '{"customer":1,"when":"2026-03-01T11:20:00Z"}\n' })
  const names = ['--moment', 'when', '--column', 'user_id=customer']
  const { code, stderr } = await lockstep(
    join(project.path, 'elsewhere'),
    ...['train', 'visit', '--project', '..', '--labels', 'who.ndjson', '--out', 'visit.csv', ...names],
  )
  assert.equal(code, 0, stderr)
  assert.match(readFileSync(join(project.path, 'elsewhere/visit.csv'), 'utf8'), /^customer,when,.*\n1,.*,2,12\.75,/)
})

test('rows that are set aside are told', async () => {
  using project = smallProject({
    'data/clicks.csv': 'click_id,user_id,page,price,at\na,1,home,,2026-03-01T10:00:00Z\nb,x,home,,2026-03-01T10:00:00Z\n',
  })
  const train = ['train', 'visit', '--labels', 'labels.csv', '--out', 'visit.parquet']
  const { code, stderr } = await lockstep(project.path, ...train)
  assert.equal(code, 0)
  assert.match(stderr, /^Warning: 1 of 2 rows of clicks set aside: user_id .*clicks\.csv row 2: "x"\n$/)
  assert.equal((await lockstep(project.path, ...train, '--overwrite', '--quiet')).stderr, '')
})

test('refuses before the work: what is there, an unclear format, an unknown view', async () => {
  using project = smallProject({ 'there.csv': 'mine' })
  const train = (view: string, out: string, labels = 'labels.csv') =>
    lockstep(project.path, 'train', view, '--labels', labels, '--out', out, '--progress')
  const there = await train('visit', 'there.csv')
  assert.deepEqual([there.code, there.stdout], [1, ''])
  assert.match(there.stderr, /^Error: {2}there\.csv is already there\nRemedy: .*--overwrite\.\nCode: {3}OUTPUT_EXISTS\n$/)
  assert.equal(readFileSync(join(project.path, 'there.csv'), 'utf8'), 'mine')
  assert.match((await train('visit', 'visit')).stderr, /The format of visit is not clear/)
  assert.match((await train('vist', 'a.csv')).stderr, /no view vist; did you mean visit\?/)
  assert.match((await train('visit@2', 'a.csv')).stderr, /no version 2 of the view visit; there are 1/)
  assert.match((await train('visit', 'a.csv', 'none.csv')).stderr, /Code: {3}SOURCE_NOT_FOUND/)
  assert.deepEqual(
    readdirSync(project.path).filter((name) => name.startsWith('.') || name === 'a.csv'),
    [],
  )
})

/** A training set whose on-demand code takes some seconds. */
function slowTraining(project: { readonly path: string }, out: string) {
  const moments = Array.from({ length: 20_000 }, (_, index) => `1,2026-03-01T11:20:00Z,${index}`)
  writeFileSync(join(project.path, 'many.csv'), `user_id,at,budget\n${moments.join('\n')}\n`)
  const started = startLockstep(project.path, ['train', 'offer', '--labels', 'many.csv', '--out', out, '--progress', '--json'], {
    SLOW_ON_DEMAND: '0.2',
  })
  const computing = new Promise((resolve) =>
    started.child.stderr?.on('data', (text: string) => /on demand/.test(text) && resolve(undefined)),
  )
  return { ...started, computing }
}

test('Ctrl-C stops the work, leaves nothing half-written and says so', async () => {
  using project = smallProject()
  const before = readdirSync(project.path)
  const { child, computing, ended } = slowTraining(project, 'out.parquet')
  await computing
  child.kill('SIGINT')
  const { code, signal, stdout, stderr } = await ended
  assert.deepEqual([code, signal, stdout], [130, null, ''])
  assert.match(stderr, /\nNote: {3}Stopping/)
  assert.equal(JSON.parse(stderr.trim().split('\n').at(-1) ?? '').error.code, 'INTERRUPTED')
  assert.deepEqual(readdirSync(project.path), ['.lockstep', ...before, 'many.csv'].sort())
  assert.deepEqual(readdirSync(join(project.path, '.lockstep')), ['registry.sqlite'])
  const runs = JSON.parse((await lockstep(project.path, 'runs', '--json')).stdout)
  assert.deepEqual(
    runs.map(({ kind, outcome, error }: { kind: string; outcome: string; error: { code: string } }) => [kind, outcome, error.code]),
    [['train', 'stopped', 'INTERRUPTED']],
  )
})

test('a killed run leaves nothing that can be taken for its result, and another completes', async () => {
  using project = smallProject()
  const { child, computing, ended } = slowTraining(project, 'out.csv')
  await computing
  child.kill('SIGKILL')
  assert.equal((await ended).signal, 'SIGKILL')
  assert.equal(existsSync(join(project.path, 'out.csv')), false)
  const again = await lockstep(project.path, 'train', 'offer', '--labels', 'many.csv', '--out', 'out.csv')
  assert.equal(again.code, 0, again.stderr)
  assert.match(readFileSync(join(project.path, 'out.csv'), 'utf8'), /\n1,2026-03-01 11:20:00\+00,19999,2,9999\.5\n$/)
})
