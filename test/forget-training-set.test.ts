import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { featureView, openStore } from '../src/index.ts'
import { citiesOf, bystander as other, tracesIn, subject as who } from './support/forgetting.ts'

for (const format of ['parquet', 'csv'] as const)
  test(`a training set as ${format} that the subject was erased from says so, and how many rows it has now`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lockstep-forget-'))
    try {
      const path = join(folder, `set.${format}`)
      const cities = await citiesOf(folder)
      const view = featureView({ name: 'ranking', features: [cities] })
      await using store = await openStore({ definitions: [view], folder: join(folder, 'store') })
      const labels = [who, other, who, 'nobody'].map((user_id) => ({ user_id, at: '2026-03-01T11:00:00Z' }))
      {
        await using set = await store.trainingSet(view, labels, { moment: 'at' })
        await set.write(path)
      }
      const manifest = async () => JSON.parse(await readFile(`${path}.manifest.json`, 'utf8'))
      const recorded = async () => (await store.registry.trainingSets.list())[0]
      const [before, noted] = [await manifest(), await recorded()]
      assert.deepEqual([before.rows, before.nulls, noted?.rows], [4, { user_city: 0.75 }, 4])
      const rows = await readFile(path)
      await store.forget('user', { user_id: who })
      assert.deepEqual([await manifest(), await recorded()], [before, noted], 'a look changes nothing')
      const report = await store.forget('user', { user_id: who }, { rewriteTrainingSets: true })
      assert.equal(report.complete, true)
      assert.deepEqual(await tracesIn(folder, who), [])
      const { erased, ...after } = await manifest()
      assert.deepEqual(after, { ...before, rows: 2, nulls: { user_city: 0.5 } })
      assert.deepEqual(
        erased.map(({ rows, at }: { rows: number; at: string }) => [rows, new Date(at).toISOString() > before.created]),
        [[2, true]],
      )
      assert.deepEqual(await recorded(), { ...noted, rows: 2, erased })
      // As a kill leaves it: the manifest is written, and the rows are not yet erased. They do not count twice.
      await writeFile(path, rows)
      await store.forget('user', { user_id: who }, { rewriteTrainingSets: true })
      assert.deepEqual([(await manifest()).erased, await recorded()], [erased, { ...noted, rows: 2, erased }])
      await store.forget('user', { user_id: other }, { rewriteTrainingSets: true, rewriteSources: true })
      assert.deepEqual((await manifest()).erased.length, 2)
      assert.deepEqual([(await manifest()).rows, (await manifest()).nulls, (await recorded())?.rows], [1, { user_city: 1 }, 1])
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
