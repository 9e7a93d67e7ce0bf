import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FeatureComparison, Plan } from '../src/governance/index.ts'
import { formatMoment, momentMicros } from '../src/lib/moment.ts'
import { seededRandom } from '../src/lib/seeded-random.ts'
import { lockstep, smallProject, startLockstep } from './support/command-line.ts'

const second = 1_000_000
const noon = Date.UTC(2026, 2, 1, 12) * 1000
const random = seededRandom(5)
const users = 20
/** Clicks of the two hours before noon. */
const clicks = Array.from({ length: 600 }, (_, id) => ({ id, user: random(users), at: noon - random(7200) * second }))
const minutesOf: Readonly<Record<number, number>> = { 1: 30, 2: 60 }

const definitions = (version: number, minutes: number) => `
  import { count, csv, entity, events, featureGroup, featureView, t } from 'lockstep'
  const user = entity('user', { user_id: t.integer() })
  const clicks = events('clicks', {
    columns: { click_id: t.string(), user_id: t.integer(), at: t.timestamp() }, time: 'at', id: 'click_id', history: csv('data/clicks.csv') })
  export const userClicks = featureGroup({
    name: 'user_clicks', version: ${version}, entity: user, source: clicks, features: () => ({ user_click_count_recent: count().over('${minutes}m') }) })
  export const ranking = featureView({ name: 'ranking', version: ${version}, features: [userClicks] })`

/** The rules, naively. */
const expected = (version: number, user: number, moment: number): number => {
  const length = (minutesOf[version] as number) * 60 * second
  return clicks.filter((click) => click.user === user && click.at < moment && click.at >= moment - length).length
}

/** Each group with what it takes to build it: how much is read, and estimates of time and bytes. */
function assertCost(cost: Plan['cost'], group: string): void {
  assert.deepEqual(
    cost.map((one) => [one.group, one.rows]),
    [[group, clicks.length]],
  )
  const { read, seconds, bytes } = cost[0] as Plan['cost'][number]
  for (const estimate of [read, seconds, bytes]) assert.ok(estimate !== null && estimate > 0)
}

/** All keys are compared with the values of today, and what is shown of them is what the rules give. */
function assertShare(comparisons: Plan['comparisons'], group: string): void {
  assert.deepEqual(
    comparisons.map((one) => [one.group, one.before, one.comparison?.keys]),
    [[group, 'user_clicks@1', users]],
  )
  const features: readonly FeatureComparison[] = comparisons[0]?.comparison?.features ?? []
  const { compared, different, examples } = features[0] as FeatureComparison
  assert.equal(compared, users)
  assert.ok(different > 0 && different <= compared)
  assert.ok(examples.length > 0)
  for (const { key, at, before, after } of examples) {
    const values = [1, 2].map((version) => expected(version, Number(key.user_id), momentMicros(at)))
    assert.deepEqual([before, after], values)
    assert.notEqual(before, after)
  }
}

interface Served {
  readonly version: number
  readonly rows: readonly { readonly values: readonly number[] }[]
}

/** Reads without end, without a version and with those that are said to be there, and judges each answer by the version that it names. */
class Load {
  readonly #url: string
  readonly wrong: string[] = []
  /** The versions that are asked for by number. */
  explicit: readonly number[] = [1]
  /** How often requests without a version were answered by each. */
  current = new Map<number, number>()
  reads = 0
  #stopped = false

  constructor(url: string) {
    this.#url = url
  }

  async run(seed: number): Promise<void> {
    const next = seededRandom(seed)
    while (!this.#stopped) {
      const version = [undefined, ...this.explicit][next(this.explicit.length + 1)]
      const [user, moment] = [next(users), noon + next(600) * second]
      try {
        await this.#read(version, user, moment)
      } catch (error) {
        this.wrong.push(String(error))
      }
      // The machine has other things to do as well.
      await sleep(5)
    }
  }

  async #read(version: number | undefined, user: number, moment: number): Promise<void> {
    const body = { keys: { user_id: user }, as_of: formatMoment(moment), ...(version === undefined ? {} : { version }) }
    const headers = { 'content-type': 'application/json', 'lockstep-caller': 'shop-front' }
    const response = await fetch(`${this.#url}/v1/views/ranking/vectors`, { method: 'POST', headers, body: JSON.stringify(body) })
    const text = await response.text()
    if (!response.ok) throw new Error(`${response.status} ${text}`)
    const served = JSON.parse(text) as Served
    this.reads++
    if (version === undefined) this.current.set(served.version, (this.current.get(served.version) ?? 0) + 1)
    else assert.equal(served.version, version)
    assert.equal(served.rows[0]?.values[0], expected(served.version, user, moment), `version ${served.version}, ${JSON.stringify(body)}`)
  }

  /** Which versions answer requests without one, while so many are answered. */
  async answering(): Promise<number[]> {
    this.current = new Map()
    while (!this.#stopped && this.wrong.length === 0 && [...this.current.values()].reduce((sum, each) => sum + each, 0) < 200)
      await sleep(5)
    return [...this.current.keys()]
  }

  stop(): void {
    this.#stopped = true
  }
}

test('a window becomes longer: built beside the old one, compared, switched and rolled back, while reads go on without one error', async () => {
  using project = smallProject()
  const write = (version: number, minutes: number) => writeFileSync(join(project.path, 'definitions.ts'), definitions(version, minutes))
  const rows = clicks.map(({ id, user, at }) => `${id},${user},${formatMoment(at)}`)
  writeFileSync(join(project.path, 'data', 'clicks.csv'), ['click_id,user_id,at', ...rows].join('\n'))
  const command = async (...commandLine: string[]) => {
    const { code, stdout, stderr } = await lockstep(project.path, ...commandLine, '--json')
    return { code, stderr, result: stdout === '' ? null : JSON.parse(stdout) }
  }
  const done = async (...commandLine: string[]) => {
    const { code, stderr, result } = await command(...commandLine)
    assert.equal(code, 0, stderr)
    return result
  }

  write(1, 30)
  await done('apply', '--yes')
  await done('materialize', '--as-of', formatMoment(noon))
  const { child, ended } = startLockstep(project.path, ['serve', '--port', '0', '--processes', '2'])
  const url = await Promise.race([
    once(child.stdout as NonNullable<typeof child.stdout>, 'data').then(([text]) => /http:\S+/.exec(String(text))?.[0]),
    ended.then(({ stderr }) => assert.fail(stderr)),
  ])
  const load = new Load(url as string)
  const loads = [load.run(1), load.run(2)]
  /** Each of the processes is asked, sooner or later. */
  const served = async (apply: number) => {
    for (let [times, end] = [0, Date.now() + 10_000]; times < 20; await sleep(10)) {
      assert.ok(Date.now() < end, `apply ${apply} is served within 10 s`)
      const { definitions: told } = (await (await fetch(`${url}/ready`, { headers: { connection: 'close' } })).json()) as {
        definitions: { apply: number; waiting: unknown }
      }
      assert.equal(told.waiting, null)
      times = told.apply === apply ? times + 1 : 0
    }
  }
  /** The server tells the registry every few seconds who read what. */
  const usageKnown = async () => {
    for (const end = Date.now() + 30_000; ; await sleep(100)) {
      const { items } = (await (await fetch(`${url}/registry/usage?view=ranking`)).json()) as { items: unknown[] }
      if (items.length > 0) return
      assert.ok(Date.now() < end, 'the usage is known within 30 s')
    }
  }
  try {
    assert.deepEqual(await load.answering(), [1])

    write(1, 60)
    await usageKnown()
    const planned = await command('plan')
    assert.equal(planned.code, 1, planned.stderr)
    const { difference, impact, cost, comparisons } = planned.result as Plan
    const effects = difference.items.map(({ id, effect, parts: [part] }) => [id, effect, part?.before, part?.after])
    const name = 'user_click_count_recent'
    assert.deepEqual(effects, [
      ['group:user_clicks@1', 'values', 'count() over 30m', 'count() over 1h'],
      ['view:ranking@1', 'values', `user_clicks@1.${name}`, `user_clicks@1.${name}`],
    ])
    assert.deepEqual(difference.stored, [{ group: 'user_clicks@1', state: 'invalid' }])
    assert.deepEqual(
      [impact.views, impact.callers.map(({ caller, view }) => [caller, view])],
      [['ranking@1'], [['shop-front', 'ranking@1']]],
    )
    assertCost(cost, 'user_clicks@1')
    assertShare(comparisons, 'user_clicks@1')
    const refused = await command('apply', '--yes')
    assert.notEqual(refused.code, 0)
    assert.match(refused.stderr, /IMMUTABLE_VERSION/)

    write(2, 60)
    const versioned = await command('plan')
    assert.equal(versioned.code, 2, versioned.stderr)
    assert.deepEqual(versioned.result.refusals, [])
    assertCost(versioned.result.cost, 'user_clicks@2')
    assertShare(versioned.result.comparisons, 'user_clicks@2')
    await done('apply', '--yes')
    await served(2)
    assert.deepEqual(await load.answering(), [1])
    assert.match((await command('switch', 'ranking', '2')).stderr, /NOT_MATERIALIZED/)
    await done('materialize', 'user_clicks@2', '--as-of', formatMoment(noon))
    load.explicit = [1, 2]
    const compared = await done('compare', 'ranking', '1', '2')
    const [feature] = compared.features
    assert.deepEqual([compared.keys, feature.feature, feature.compared], [users, 'user_click_count_recent', users])
    assert.ok(feature.different > 0)
    assert.deepEqual(await load.answering(), [1])

    assert.deepEqual(await done('switch', 'ranking', '2'), { environment: 'dev', view: 'ranking', from: 1, to: 2, apply: 3, setAside: [] })
    await served(3)
    assert.deepEqual(await load.answering(), [2])

    await done('rollback', '--to', '2')
    await served(4)
    assert.deepEqual(await load.answering(), [1])
  } finally {
    load.stop()
    await Promise.all(loads)
    child.kill('SIGTERM')
    await ended
  }
  assert.deepEqual(load.wrong, [])
  assert.ok(load.reads > 500, `${load.reads} reads`)
})
