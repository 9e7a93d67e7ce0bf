import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Finished, run } from '../../scripts/run.ts'
import { root, temporaryProject, type Workspace } from '../../scripts/workspace.ts'

const program = ['--conditions=source', join(root, 'src', 'cli', 'main.ts')]

/** Runs the command line from the source, as a process of its own. */
export const lockstep = (folder: string, ...commandLine: string[]): Promise<Finished> =>
  run(process.execPath, [...program, ...commandLine], { cwd: folder, environment: { NODE_OPTIONS: undefined } })

/** The same, with a token of a principal; without one where it is empty. */
export const lockstepAs = (token: string, folder: string, ...commandLine: string[]): Promise<Finished> =>
  run(process.execPath, [...program, ...commandLine], {
    cwd: folder,
    environment: { NODE_OPTIONS: undefined, LOCKSTEP_TOKEN: token === '' ? undefined : token },
  })

/** The same, for a process that the test ends and that cannot clear up; `ended` answers the signal too. */
export function startLockstep(
  folder: string,
  commandLine: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): { readonly child: ChildProcess; readonly ended: Promise<Finished & { readonly signal: NodeJS.Signals | null }> } {
  const child = spawn(process.execPath, [...program, ...commandLine], {
    cwd: folder,
    env: {
      ...process.env,
      NODE_TEST_CONTEXT: undefined,
      NO_COLOR: '1',
      // What a killed process leaves goes with the project.
      TMPDIR: join(folder, 'node_modules'),
      NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache'),
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  return { child, ended: new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))) }
}

/** A project with one of each: an events and a table source, live and scheduled groups, an on-demand view, integer keys. */
export function smallProject(files: Readonly<Record<string, string>> = {}): Workspace {
  const project = temporaryProject()
  for (const [path, text] of Object.entries({ ...smallProjectFiles, ...files })) {
    mkdirSync(dirname(join(project.path, path)), { recursive: true })
    writeFileSync(join(project.path, path), text)
  }
  return project
}

const smallProjectFiles: Readonly<Record<string, string>> = {
  'definitions.ts': `import { count, csv, entity, events, every, featureGroup, featureView, last, ndjson, onDemand, sum, t, table, topK } from 'lockstep'

const user = entity('user', { user_id: t.integer() }, { description: 'Somebody' })
const clicks = events('clicks', {
  columns: { click_id: t.string(), user_id: t.integer(), page: t.string(), price: t.decimal(8, 2).nullable(), at: t.timestamp() },
  time: 'at', id: 'click_id', lateness: '1h', invalidRows: 'setAside', history: csv('data/clicks.csv'), owner: 'web',
})
const profiles = table('profiles', {
  columns: { user_id: t.integer(), plan: t.oneOf('free', 'paid'), since: t.timestamp() },
  time: 'since', history: ndjson('data/profiles.ndjson'),
})
export const userClicks = featureGroup({
  name: 'user_clicks', entity: user, source: clicks, owner: 'growth', tags: ['web'], description: 'What a user looks at',
  features: (click) => ({
    user_click_count_1h: count().over('1h'),
    user_price_sum_lifetime: sum(click.price),
    user_top_pages_lifetime: topK(click.page, 2),
  }),
  descriptions: { user_click_count_1h: 'Clicks of the last hour' },
})
export const userDaily = featureGroup({
  name: 'user_daily', version: 2, entity: user, source: clicks, refresh: every('1d'),
  features: (click) => ({ user_last_page_daily: last(click.page) }),
})
export const userProfile = featureGroup({ name: 'user_profile', entity: user, source: profiles, features: (row) => ({ user_plan: row.plan }) })
export const context = onDemand({
  name: 'context',
  request: { budget: t.float() },
  from: [userClicks.pick('user_click_count_1h')],
  features: { budget_per_click: t.float().nullable() },
  compute: ({ user_click_count_1h: clicked }, { budget }) => {
    const until = performance.now() + Number(globalThis.process?.env.SLOW_ON_DEMAND ?? 0)
    while (performance.now() < until);
    return { budget_per_click: clicked === 0 ? null : budget / clicked }
  },
})
export const visit = featureView({ name: 'visit', features: [userClicks, userDaily, userProfile], description: 'All of a visit', owner: 'growth' })
export const offer = featureView({ name: 'offer', version: 3, features: [userClicks.pick('user_click_count_1h'), context] })
`,
  'data/clicks.csv': `click_id,user_id,page,price,at
a,1,home,,2026-03-01T10:00:00Z
b,1,shoes,10.50,2026-03-01T10:30:00Z
c,2,home,,2026-03-01T10:40:00Z
d,1,shoes,2.25,2026-03-01T11:15:00Z
e,1,hats,4.00,2026-03-02T09:00:00Z
`,
  'data/profiles.ndjson': `{"user_id":1,"plan":"free","since":"2026-01-01T00:00:00Z"}
{"user_id":1,"plan":"paid","since":"2026-03-01T12:00:00Z"}
`,
  'labels.csv': `user_id,at,budget,bought
1,2026-03-01T11:20:00Z,30,1
2,2026-03-01T11:20:00Z,5,0
9,2026-03-01T11:20:00Z,1,0
1,2026-03-02T12:00:00Z,8,1
`,
}
