import { LockstepError } from '../../errors.ts'
import { inPath } from '../error-response.ts'
import { ExactValues } from '../exact-values.ts'
import { listOf, objectOf } from '../json-schema.ts'
import { pathParameter, type Route } from '../route.ts'
import { defaultLimits } from '../server-context.ts'

export const eventsRoute: Route = {
  method: 'POST',
  path: '/v1/sources/{source}/events',
  operationId: 'pushEvents',
  summary: 'Appends events to the topic of a source',
  description:
    'All are checked first: one that is wrong refuses all. Answered when they are durable; an event of a live feature is then in the next read of a server that is one process. Others see it with the next commit of the process that has its partition, some 50 ms later.',
  permission: { operation: 'push', of: (request) => pathParameter(request, 'source') },
  body: objectOf({
    event: { type: 'object', description: 'One event: its columns by name.' },
    events: { ...listOf({ type: 'object' }, defaultLimits.events, 1), description: 'Or several.' },
    dry_run: { type: 'boolean', default: false, description: 'Check them, and append none.' },
  }),
  answer: {
    schema: objectOf(
      {
        source: { type: 'string' },
        events: { type: 'integer', description: 'How many were checked and, unless dry_run, appended.' },
        dry_run: { type: 'boolean' },
        positions: {
          type: 'array',
          items: objectOf({ partition: { type: 'integer' }, offset: { type: ['integer', 'string'] } }),
          description: 'Where each lies in the topic.',
        },
      },
      ['source', 'events', 'dry_run', 'positions'],
    ),
  },
  errors: [404, 503],
  async handle(request, _reply, { store, limits }) {
    const source = pathParameter(request, 'source')
    const { event, events, dry_run: dryRun = false } = (request.body ?? {}) as PushBody
    if ((event === undefined) === (events === undefined))
      throw new LockstepError('INVALID_REQUEST', 'Give either event or events', { where: 'body' })
    const given = events ?? [event as Readonly<Record<string, unknown>>]
    if (given.length > limits.events)
      throw new LockstepError('INVALID_REQUEST', `There are ${given.length} events, ${limits.events} at most`, { where: 'body.events' })
    const { columns } = inPath(() => store.streamedSource(source))
    const exact = new ExactValues(columns)
    const positions = await store.push(
      source,
      given.map((one) => exact.read(one)),
      { dryRun },
    )
    return { source, events: given.length, dry_run: dryRun, positions }
  },
}

interface PushBody {
  readonly event?: Readonly<Record<string, unknown>>
  readonly events?: readonly Readonly<Record<string, unknown>>[]
  readonly dry_run?: boolean
}
