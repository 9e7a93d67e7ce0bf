import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { featureView, openStore } from '../src/index.ts'
import { FeatureLog } from '../src/monitoring/index.ts'
import { citiesOf, bystander as other, tracesIn, subject as who } from './support/forgetting.ts'
import { servedRead } from './support/served-read.ts'

test('what a server has sampled of a subject and not yet written is erased, too', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-forget-'))
  try {
    const cities = await citiesOf(folder)
    await using store = await openStore({
      definitions: [featureView({ name: 'ranking', features: [cities] })],
      folder: join(folder, 'store'),
    })
    const served = join(folder, 'store/served')
    const log = await FeatureLog.open({ folder: served, share: 1, seconds: 1 })
    for (const user_id of [who, other]) log.record(servedRead({ keys: [{ user_id }] }))
    const report = await store.forget('user', { user_id: who })
    assert.deepEqual(
      report.places.map(({ place, name, before, after, files }) => [place, name, before, after, files.length]),
      [['feature log', 'ranking@1', 1, 0, 1]],
    )
    assert.equal(report.complete, true)
    await log.close()
    assert.deepEqual(await tracesIn(folder, who), [])
    assert.equal((await tracesIn(served, other)).length, 1)
    assert.deepEqual(await readdir(served), ['ranking@1'], 'nothing tells of a server that is over')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
