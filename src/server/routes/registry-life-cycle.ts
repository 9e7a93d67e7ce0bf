import { consumersOf, deprecate, lifeCycleSubject, remove, restorable, restore, usageDays, usageSince } from '../../governance/index.ts'
import { formatMoment, momentMicros } from '../../lib/moment.ts'
import { answerableFor } from '../caller.ts'
import { inPath } from '../error-response.ts'
import { listOf, objectOf } from '../json-schema.ts'
import { registryCatalogue } from '../registry-catalogue.ts'
import { type Permission, pathParameter, type Route, type RouteRequest } from '../route.ts'
import type { ServerContext } from '../server-context.ts'
import { featureEntry } from './registry-catalogue.ts'
import { text } from './registry-list.ts'

const permission: Permission = { operation: 'own', of: (request) => pathParameter(request, 'group') }
const within = { ...text, default: `${usageDays}d`, description: `Callers that read it since so long ago count: ${usageDays}d or more.` }

function subjectOf(request: RouteRequest, context: ServerContext) {
  return inPath(() => {
    const { id } = featureEntry(request, context)
    return lifeCycleSubject(registryCatalogue(context.store).catalogue, id, context.store.environment)
  })
}

const sinceOf = ({ store }: ServerContext, duration?: string): number => usageSince(store.registry.clock.now(), duration)

const deprecateRoute: Route = {
  method: 'POST',
  path: '/registry/features/{group}/{version}/{feature}/deprecate',
  operationId: 'deprecateFeature',
  summary: 'Says that a feature is to be read no more, and names who depends on it',
  permission,
  body: objectOf(
    {
      reason: { ...text, minLength: 1 },
      replacement: { ...text, description: 'GROUP@VERSION.FEATURE' },
      remove_after: { ...text, description: 'ISO 8601: it stays until then.' },
      brown_outs: listOf(objectOf({ from: text, to: text }, ['from', 'to']), 100),
      within,
    },
    ['reason'],
  ),
  answer: { schema: { type: 'object' } },
  errors: [404, 409],
  async handle(request, _reply, context) {
    const { registry, environment } = context.store
    const { catalogue } = registryCatalogue(context.store)
    const body = request.body as {
      reason: string
      replacement?: string
      remove_after?: string
      brown_outs?: readonly { from: string; to: string }[]
      within?: string
    }
    const subject = subjectOf(request, context)
    const iso = (moment: string, name: string) => formatMoment(momentMicros(moment, name))
    const cycle = await deprecate(registry, environment, subject, answerableFor(request), {
      reason: body.reason,
      brownOuts: (body.brown_outs ?? []).map(({ from, to }) => ({ from: iso(from, 'brown_outs.from'), to: iso(to, 'brown_outs.to') })),
      ...(body.replacement === undefined ? {} : { replacement: lifeCycleSubject(catalogue, body.replacement, environment).id }),
      ...(body.remove_after === undefined ? {} : { removeAfter: iso(body.remove_after, 'remove_after') }),
    })
    return { ...cycle, consumers: await consumersOf(registry, catalogue, environment, subject, sinceOf(context, body.within)) }
  },
}

const removeRoute: Route = {
  method: 'POST',
  path: '/registry/features/{group}/{version}/{feature}/remove',
  operationId: 'removeFeature',
  summary: 'Removes a feature for good, unless somebody depends on it',
  permission,
  body: objectOf({ within, reason: text }),
  answer: { schema: { type: 'object' } },
  errors: [404, 409],
  async handle(request, _reply, context) {
    const { registry, environment } = context.store
    const { within: duration, reason } = (request.body ?? {}) as { within?: string; reason?: string }
    return await remove(registry, registryCatalogue(context.store).catalogue, environment, subjectOf(request, context), {
      by: answerableFor(request),
      since: sinceOf(context, duration),
      ...(reason === undefined ? {} : { reason }),
    })
  },
}

const restoreRoute: Route = {
  method: 'POST',
  path: '/registry/features/{group}/{version}/{feature}/restore',
  operationId: 'restoreFeature',
  summary: 'Makes a feature that was deprecated or removed active again',
  permission,
  body: objectOf({ reason: text }),
  answer: { schema: { type: 'object' } },
  errors: [404, 409],
  async handle(request, _reply, context) {
    const { registry, environment } = context.store
    const { reason } = (request.body ?? {}) as { reason?: string }
    const subject = subjectOf(request, context)
    const found = await restorable(registry, environment, subject.id).catch((error: unknown) =>
      inPath(() => {
        throw error
      }),
    )
    return await restore(registry, environment, found, { by: answerableFor(request), ...(reason === undefined ? {} : { reason }) })
  },
}

export const lifeCycleRoutes: readonly Route[] = [deprecateRoute, removeRoute, restoreRoute]
