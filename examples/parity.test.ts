import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type FeatureView, openStore, type ParityReport, parquet } from 'lockstep'
import { generateSessions } from './sessions/generate.ts'
import { generateShop } from './shop/generate.ts'

const shared = join(import.meta.dirname, '../../shared/data')
const retail = process.env.RETAIL_DATA ?? join(shared, 'online_retail.parquet')
const otto = process.env.SESSIONS_DATA ?? join(shared, 'otto_sessions.parquet')
/** `npm run parity` compares millions. */
const small = { engineRows: 300, oracleRows: 100_000, limit: 2 }

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-parity-'))
})
after(() => rm(folder, { recursive: true }))

async function check(view: FeatureView, options: Parameters<Awaited<ReturnType<typeof openStore>>['parity']>[1]): Promise<ParityReport> {
  await using store = await openStore({ definitions: [view] })
  const report = await store.parity(view, { ...small, ...options })
  assert.deepEqual(report.differences, [])
  assert.equal(report.proven, true)
  for (const { path, compared } of report.paths) assert.ok(compared > 0, `nothing is compared with ${path}`)
  return report
}

/** Sessions of a file. */
async function sessionsOf(path: string) {
  const { actions, nextArticle } = await import('./sessions/definitions.ts')
  const { columns } = actions.history as { columns: Record<string, string> }
  return { view: nextArticle, history: { actions: parquet(path, { columns }) } }
}

describe('every path gives the same bytes', () => {
  test('a generated shop', async () => {
    process.env.SHOP_DATA = join(folder, 'shop')
    await generateShop({ path: process.env.SHOP_DATA, seed: 4, events: 3_000, users: 40, items: 40, labels: 0 })
    const { ranking } = await import('./shop/definitions/views.ts')
    const { total, groups } = await check(ranking, { sample: 40 })
    assert.equal(groups.length, 9)
    assert.ok(total.compared > 30_000, String(total.compared))
  })

  test('generated sessions', async () => {
    const path = join(folder, 'sessions.parquet')
    await generateSessions({ path, actions: 600 })
    const { view, history } = await sessionsOf(path)
    const { total } = await check(view, { history, sample: 50 })
    assert.ok(total.compared > 60_000, String(total.compared))
  })

  test('otto_sessions.parquet', { skip: existsSync(otto) ? false : `the file ${otto} is not there` }, async () => {
    const { view, history } = await sessionsOf(otto)
    const { groups, total } = await check(view, { history, sample: 50 })
    assert.deepEqual(
      groups.map(({ keys, rows }) => [keys, rows]),
      [
        [20, 862],
        [510, 862],
      ],
    )
    assert.ok(total.compared > 60_000, String(total.compared))
  })

  test('online_retail.parquet', { skip: existsSync(retail) ? false : `the file ${retail} is not there` }, async () => {
    process.env.RETAIL_DATA = retail
    const { reorder } = await import('./retail/definitions.ts')
    const { groups, total } = await check(reorder, { sample: 60, keys: 40 })
    assert.deepEqual(
      groups.map(({ keys, allKeys }) => [keys, allKeys]),
      [
        [40, 4_372],
        [40, 4_070],
      ],
    )
    assert.ok(total.compared > 30_000, String(total.compared))
  })
})
