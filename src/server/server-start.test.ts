import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { temporaryFolder } from '../../scripts/workspace.ts'
import { count, entity, events, featureGroup, featureView, rows } from '../definition/index.ts'
import { t } from '../schema/index.ts'
import { openStore } from '../store/index.ts'
import { Server } from './server.ts'

const user = entity('user', { user_id: t.integer() })
const clicks = events('clicks', { columns: { user_id: t.integer(), at: t.timestamp() }, time: 'at', history: rows([]) })
const group = featureGroup({
  name: 'activity',
  version: 1,
  entity: user,
  source: clicks,
  features: () => ({ clicks_1h: count().over('1h') }),
})
const view = featureView({ name: 'ranking', version: 1, features: [group] })

test('a server that cannot listen leaves nothing open', async () => {
  using folder = temporaryFolder()
  await using store = await openStore({ definitions: [view], folder: folder.path, online: 'memory' })
  let open = 0
  const [whenAdopting, watch] = [store.whenAdopting.bind(store), store.registry.watch.watch.bind(store.registry.watch)]
  store.whenAdopting = (prepare) => {
    open++
    const leave = whenAdopting(prepare)
    return () => {
      open--
      return leave()
    }
  }
  store.registry.watch.watch = async (watcher) => {
    open++
    const watching = await watch(watcher)
    const close = watching.close.bind(watching)
    watching.close = () => {
      open--
      return close()
    }
    return watching
  }
  const other = createServer()
  const port = await new Promise<number>((resolve) =>
    other.listen(0, '127.0.0.1', () => resolve((other.address() as { port: number }).port)),
  )
  await assert.rejects(Server.start(store, { port }), { code: 'INVALID_ARGUMENT', message: /cannot listen/ })
  assert.equal(open, 0)
  await new Promise((resolve) => other.close(resolve))
  const server = await Server.start(store, { port })
  assert.equal(open, 3)
  await server.close()
  assert.equal(open, 0)
})
