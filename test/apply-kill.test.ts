import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { startPostgres } from '../scripts/postgres.ts'
import { snapshotOf } from '../src/definition/index.ts'
import { type Apply, type Head, Registry } from '../src/registry/index.ts'
import { seededRandom } from '../src/testing/seeded-random.ts'
import { environment, extra, openRegistryAt, type RegistryPlace, stateOf } from './support/apply-loop.ts'

/** `APPLY_KILL_SEED` repeats the moments, `APPLY_KILLS` says how many there are. */
const seed = Number(process.env.APPLY_KILL_SEED ?? Date.now() % 1_000_000)
const kills = Number(process.env.APPLY_KILLS ?? 100)

const folder = mkdtempSync(join(tmpdir(), 'lockstep-apply-kill-'))
const postgres = await startPostgres()
after(async () => {
  for (const child of children) child.kill('SIGKILL')
  if ('stop' in postgres) await postgres.stop()
  rmSync(folder, { recursive: true, force: true })
})

const loop = new URL('./support/apply-loop.ts', import.meta.url)
const children = new Set<ChildProcess>()
function begin(place: RegistryPlace, what: 'apply' | 'rollback', times?: number): ChildProcess {
  const child = fork(loop, [JSON.stringify(place), what, ...(times === undefined ? [] : [String(times)])], {
    execArgv: ['--conditions=source'],
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache') },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  children.add(child)
  child.on('exit', () => children.delete(child))
  return child
}

/** Looks at what is there as of one revision, as others may be applying. */
async function examine(place: RegistryPlace, known: { apply: number }): Promise<void> {
  await using registry = await openRegistryAt(place)
  const { documents } = registry
  const { name, capabilities } = documents
  const refuse = () => assert.fail('Nothing is changed here')
  await documents.snapshot((reads) =>
    examineState(new Registry({ ...reads, name, capabilities, snapshot: (work) => work(reads), commit: refuse, close: refuse }), known),
  )
}

/** That what is there is one whole state, which every apply before led to, and that all tables tell of the same. */
async function examineState(registry: Registry, known: { apply: number }): Promise<void> {
  const head = await registry.applies.head(environment)
  if (!head) return
  assert.ok(head.apply >= known.apply, `apply ${known.apply} is gone, there is ${head.apply}`)
  const items = await registry.applies.items(head)
  const states = new Set([...items.values()].flatMap(({ text }) => /State \d+/.exec(text) ?? []))
  assert.equal(states.size, 1, `a mixture of ${[...states].join(', ')}`)
  const number = Number([...states][0]?.slice(6))
  assert.deepEqual(items, snapshotOf(stateOf(number)))
  assert.deepEqual([...head.current], [['ranking', 1]])
  const history = await registry.applies.history(environment, { before: head.apply + 1, limit: head.apply - known.apply + 1 })
  assert.deepEqual(
    history.map(({ number }) => number),
    Array.from({ length: history.length }, (_, index) => head.apply - index),
  )
  await examineRecords(registry, head, history)
  // The state after the last apply that was seen is found again from here.
  if (known.apply > 0) await registry.applies.items(await registry.applies.stateAfter(head, known.apply))
  known.apply = head.apply
}

/** That the audit log, the life cycles and the tombstones say what the head and its history do. */
async function examineRecords({ audit, lifeCycles }: Registry, { apply, items }: Head, history: readonly Apply[]): Promise<void> {
  const told = new Map<number, string>()
  for await (const { action, by, after: made } of audit.list({ environment })) {
    const { apply: number } = made as { readonly apply: number }
    assert.ok(!told.has(number), `the audit log tells twice of apply ${number}`)
    told.set(number, `${action} by ${by}`)
  }
  assert.deepEqual(
    [...told.keys()].sort((a, b) => a - b),
    Array.from({ length: apply }, (_, index) => index + 1),
  )
  for (const { number, kind, by } of history) assert.equal(told.get(number), `${kind} by ${by}`)
  const stones = (await lifeCycles.tombstones(environment)).map(({ id }) => id)
  const cycles = (await lifeCycles.list(environment)).map(({ id, status }) => [id, status])
  if (!items.has(extra)) assert.deepEqual([stones, cycles], [[extra], [[extra, 'removed']]])
  else {
    assert.deepEqual(stones, [])
    // Before it ever went nothing is said of it.
    if (cycles.length > 0) assert.deepEqual(cycles, [[extra, 'active']])
  }
}

/** Two processes at a time, one that applies and one that rolls back, each killed at a moment of its own. */
async function killed(place: RegistryPlace, times: number): Promise<void> {
  const random = seededRandom(seed)
  const known = { apply: 0 }
  const start = () => (['apply', 'rollback'] as const).map((what) => begin(place, what))
  let next = start()
  for (let run = 0; run < times; run += 2) {
    const pair = next
    await Promise.all(pair.map((child) => once(child, 'message')))
    if (run + 2 < times) next = start()
    for (const child of pair) {
      await setTimeout(random(20))
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
      await examine(place, known)
    }
  }
  assert.ok(known.apply > times, `${known.apply} applies in ${times} runs`)
}

/** Of two processes that apply to one head one wins, and the other is told. */
async function together(place: RegistryPlace, times: number): Promise<void> {
  const pair = [begin(place, 'apply', times), begin(place, 'apply', times)]
  const results = await Promise.all(
    pair.map(async (child) => {
      let won = -1
      child.on('message', (message) => {
        if (typeof message === 'number') won = message
      })
      const [code] = (await once(child, 'exit')) as [number]
      assert.equal(code, 0)
      return won
    }),
  )
  const [one = 0, other = 0] = results
  const known = { apply: 0 }
  await examine(place, known)
  assert.equal(known.apply, one + other)
  assert.ok(known.apply < 2 * times, 'nobody ever lost')
}

test('two processes that apply at once: one wins, and there is one line of applies (sqlite)', () =>
  together({ path: join(folder, 'together.sqlite') }, 150))
test(`killed ${kills} times in an apply or a rollback: one consistent state each time (sqlite, APPLY_KILL_SEED=${seed})`, () =>
  killed({ path: join(folder, 'killed.sqlite') }, kills))

const skip = 'skipped' in postgres ? { skip: postgres.skipped } : {}
const url = 'url' in postgres ? postgres.url : ''
test('two processes that apply at once: one wins (postgres)', skip, () => together({ url, schema: 'together' }, 60))
test(`killed in an apply or a rollback (postgres, APPLY_KILL_SEED=${seed})`, skip, () =>
  killed({ url, schema: 'killed' }, Math.ceil(kills / 10)),
)
