import { LockstepError } from '../../errors.ts'
import { objectOf } from '../json-schema.ts'
import type { Route } from '../route.ts'

export const healthRoute: Route = {
  method: 'GET',
  path: '/health',
  operationId: 'health',
  summary: 'Whether the process runs',
  permission: null,
  answer: { schema: objectOf({ status: { const: 'ok' } }, ['status']) },
  handle: () => ({ status: 'ok' }),
}

export const readyRoute: Route = {
  method: 'GET',
  path: '/ready',
  operationId: 'ready',
  summary: 'Whether requests should be sent here: its store answers, its live groups are filled, and it is not about to end',
  permission: null,
  answer: { schema: objectOf({ status: { const: 'ready' } }, ['status']) },
  errors: [503],
  async handle(_request, _reply, { store, state, views }) {
    if (state() !== 'ready') throw new LockstepError('NOT_READY', `The server is ${state()}`)
    await store.checkOnline()
    for (const { view } of views.all) await store.checkStored(view)
    return { status: 'ready' }
  },
}
