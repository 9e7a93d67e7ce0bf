import { LockstepError } from '../../errors.ts'
import { formatMoment } from '../../lib/moment.ts'
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
  answer: {
    schema: objectOf(
      {
        status: { const: 'ready' },
        definitions: {
          ...objectOf({
            environment: { type: 'string' },
            apply: { type: ['integer', 'null'], description: 'The number of the apply that is served; null: the definitions of files.' },
            adopted: { type: ['string', 'null'], description: 'When this process adopted it; null: at its start.' },
            waiting: {
              type: ['object', 'null'],
              properties: { apply: { type: 'integer' }, why: { type: 'string' } },
              description: 'An apply that cannot be served yet. What was served before goes on.',
            },
          }),
          description: 'Of a server that follows the registry.',
        },
      },
      ['status'],
    ),
  },
  errors: [503],
  async handle(_request, _reply, { store, state, follower }) {
    if (state() !== 'ready') throw new LockstepError('NOT_READY', `The server is ${state()}`)
    await store.checkOnline()
    await store.checkStored()
    if (!follower) return { status: 'ready' }
    const { adopted, ...rest } = follower.following
    return { status: 'ready', definitions: { ...rest, adopted: adopted === null ? null : formatMoment(adopted) } }
  },
}
