import assert from 'node:assert/strict'
import { test } from 'node:test'
import { temporaryFolder } from '../../scripts/workspace.ts'
import { count, entity, events, featureGroup, featureView, rows } from '../definition/index.ts'
import { t } from '../schema/index.ts'
import { openUnguarded } from './open-store.ts'

const clicks = events('clicks', { columns: { user_id: t.string(), at: t.timestamp() }, time: 'at', history: rows([]) })
const user = entity('user', { user_id: t.string() })
const activity = featureGroup({ name: 'user_activity', entity: user, source: clicks, features: () => ({ user_click_count: count() }) })

test('an empty key names no subject, and nothing is begun', async () => {
  using folder = temporaryFolder()
  await using store = await openUnguarded({ definitions: [featureView({ name: 'ranking', features: [activity] })], folder: folder.path })
  for (const dryRun of [true, false])
    await assert.rejects(store.forget('user', { user_id: '' }, { dryRun }), { code: 'INVALID_VALUE', message: /user_id is empty/ })
  for await (const { action } of store.registry.audit.list()) assert.fail(action)
})
