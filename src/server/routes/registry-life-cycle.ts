import { LockstepError } from '../../errors.ts'
import {
  appliedCatalogue,
  consumersOf,
  deprecate,
  heldUp,
  type LifeCycleSubject,
  lifeCycleSubject,
  remove,
  restorable,
  restore,
  usageDays,
  usageSince,
} from '../../governance/index.ts'
import { formatMoment, momentMicros } from '../../lib/moment.ts'
import type { Target } from '../../registry/index.ts'
import { refused } from '../access/authorize.ts'
import { answerableFor } from '../caller.ts'
import { inPath } from '../error-response.ts'
import { type JsonSchema, listOf, objectOf } from '../json-schema.ts'
import { registryCatalogue } from '../registry-catalogue.ts'
import { type Permission, pathParameter, type Route, type RouteRequest } from '../route.ts'
import type { ServerContext } from '../server-context.ts'
import { text } from './registry-list.ts'

/** What has a life cycle of its own, and how paths name it. */
interface Kind {
  readonly path: string
  /** As the ids of operations end. */
  readonly title: string
  /** As summaries say it. */
  readonly words: string
  /** As replacements are named. */
  readonly form: string
  readonly idOf: (request: RouteRequest) => string
  /** What roles on it are on where it is not there. */
  readonly onOf: (request: RouteRequest) => string
}

const whole = (kind: 'group' | 'view' | 'onDemand', path: string, parameter: string, title: string, words: string): Kind => ({
  path: `/registry/${path}/{${parameter}}/{version}`,
  title,
  words,
  form: `${kind}:NAME@VERSION`,
  idOf: (request) => `${kind}:${pathParameter(request, parameter)}@${pathParameter(request, 'version')}`,
  onOf: (request) => `${kind}:${pathParameter(request, parameter)}`,
})

const kinds: readonly Kind[] = [
  {
    path: '/registry/features/{group}/{version}/{feature}',
    title: 'Feature',
    words: 'a feature',
    form: 'GROUP@VERSION.FEATURE',
    idOf: (request) => `${pathParameter(request, 'group')}@${pathParameter(request, 'version')}.${pathParameter(request, 'feature')}`,
    onOf: (request) => `group:${pathParameter(request, 'group')}`,
  },
  whole('group', 'groups', 'group', 'Group', 'a feature group'),
  whole('view', 'views', 'view', 'View', 'a feature view'),
  whole('onDemand', 'on-demand', 'on_demand', 'OnDemand', 'an on-demand view'),
]

/** Which owner it takes is known once it is known what is named: its tags may give the role. */
const permission: Permission = { operation: 'own', isAskedByRoute: true }
const within = { ...text, default: `${usageDays}d`, description: `Callers that read it since so long ago count: ${usageDays}d or more.` }
const query = objectOf({ dry_run: { type: 'boolean', default: false, description: 'Only says what would be, and who depends on it.' } })
const isDryRun = ({ query: given }: RouteRequest): boolean => (given as { dry_run?: boolean }).dry_run === true

/** Throws `FORBIDDEN` unless who asks is an owner of something. */
function checkOwner({ token }: RouteRequest, context: ServerContext, target: Target): void {
  if (token !== null && !context.access.mayOwn(token, target)) throw refused(token, 'own', target.on, context)
}

/** What is found, if who asks is an owner of it; who is none does not learn that there is nothing. */
async function ownedBy<T extends { readonly target: Target }>(
  request: RouteRequest,
  context: ServerContext,
  { onOf }: Kind,
  find: () => Promise<T>,
): Promise<T> {
  const found = await find().catch((error: unknown) => {
    if (error instanceof LockstepError && error.code === 'UNKNOWN_NAME')
      checkOwner(request, context, { environment: context.store.environment, on: onOf(request) })
    return inPath((): never => {
      throw error
    })
  })
  checkOwner(request, context, found.target)
  return found
}

/** What is applied counts, or where nothing is, what is served. */
const knownCatalogue = async ({ store }: ServerContext) =>
  (await appliedCatalogue(store.registry, store.environment)) ?? registryCatalogue(store).catalogue

/** Who depends on something, and what holds its removal up. */
async function evidenceOf({ store }: ServerContext, catalogue: Catalogue, subject: LifeCycleSubject, duration?: string) {
  const { registry, environment } = store
  const now = registry.clock.now()
  const consumers = await consumersOf(registry, catalogue, environment, subject, usageSince(now, duration))
  return { consumers, held_up_by: heldUp(consumers, await registry.lifeCycles.get(environment, subject.id), now) }
}
type Catalogue = Awaited<ReturnType<typeof knownCatalogue>>

/** The schema of what is answered: where something stands, or would. */
const cycle = (also: Readonly<Record<string, JsonSchema>> = {}): JsonSchema => ({
  type: 'object',
  properties: {
    ...{ id: { type: 'string' }, status: { type: 'string' }, replacement: { type: ['string', 'null'] } },
    ...{ removeAfter: { type: ['string', 'null'] }, reason: { type: 'string' }, by: { type: 'string' }, at: { type: 'string' } },
    dry_run: { type: 'boolean', description: 'Where nothing was changed.' },
    ...also,
  },
  required: ['id', 'status'],
})
const evidence: Readonly<Record<string, JsonSchema>> = {
  consumers: { type: 'object', description: 'Views that have it, callers that read it, live models and training sets made of it.' },
  held_up_by: { type: 'array', items: { type: 'string' }, description: 'Why it cannot be removed now, in words.' },
}

interface DeprecateBody {
  readonly reason: string
  readonly replacement?: string
  readonly remove_after?: string
  readonly brown_outs?: readonly { readonly from: string; readonly to: string }[]
  readonly within?: string
}

const deprecateRoute = (kind: Kind): Route => ({
  method: 'POST',
  path: `${kind.path}/deprecate`,
  operationId: `deprecate${kind.title}`,
  summary: `Says that ${kind.words} is to be read no more, and names who depends on it`,
  permission,
  query,
  body: objectOf(
    {
      reason: { ...text, minLength: 1 },
      replacement: { ...text, description: kind.form },
      remove_after: { ...text, description: 'ISO 8601: it stays until then.' },
      brown_outs: listOf(objectOf({ from: text, to: text }, ['from', 'to']), 100),
      within,
    },
    ['reason'],
  ),
  answer: { schema: cycle(evidence) },
  errors: [404, 409],
  async handle(request, _reply, context) {
    const { registry, environment } = context.store
    const catalogue = await knownCatalogue(context)
    const subject = await ownedBy(request, context, kind, async () => lifeCycleSubject(catalogue, kind.idOf(request), environment))
    const { reason, replacement, remove_after, brown_outs = [], within: duration } = request.body as DeprecateBody
    const iso = (moment: string, name: string) => formatMoment(momentMicros(moment, name))
    const deprecation = {
      reason,
      brownOuts: brown_outs.map(({ from, to }) => ({ from: iso(from, 'brown_outs.from'), to: iso(to, 'brown_outs.to') })),
      ...(replacement === undefined ? {} : { replacement: lifeCycleSubject(catalogue, replacement, environment).id }),
      ...(remove_after === undefined ? {} : { removeAfter: iso(remove_after, 'remove_after') }),
    }
    const shown = await evidenceOf(context, catalogue, subject, duration)
    if (isDryRun(request)) return { id: subject.id, status: 'deprecated', ...deprecation, dry_run: true, ...shown }
    return { ...(await deprecate(registry, environment, subject, answerableFor(request), deprecation)), ...shown }
  },
})

const removeRoute = (kind: Kind): Route => ({
  method: 'POST',
  path: `${kind.path}/remove`,
  operationId: `remove${kind.title}`,
  summary: `Removes ${kind.words} for good, unless somebody depends on it`,
  permission,
  query,
  body: objectOf({ within, reason: text }),
  answer: { schema: cycle(evidence) },
  errors: [404, 409],
  async handle(request, _reply, context) {
    const { registry, environment } = context.store
    const catalogue = await knownCatalogue(context)
    const subject = await ownedBy(request, context, kind, async () => lifeCycleSubject(catalogue, kind.idOf(request), environment))
    const { within: duration, reason } = (request.body ?? {}) as { within?: string; reason?: string }
    if (isDryRun(request))
      return { id: subject.id, status: 'removed', dry_run: true, ...(await evidenceOf(context, catalogue, subject, duration)) }
    return await remove(registry, catalogue, environment, subject, {
      by: answerableFor(request),
      since: usageSince(registry.clock.now(), duration),
      ...(reason === undefined ? {} : { reason }),
    })
  },
})

const restoreRoute = (kind: Kind): Route => ({
  method: 'POST',
  path: `${kind.path}/restore`,
  operationId: `restore${kind.title}`,
  summary: `Makes ${kind.words} that was deprecated or removed active again`,
  permission,
  query,
  body: objectOf({ reason: text }),
  answer: { schema: cycle({ was: { type: 'object', description: 'Of a dry run: where it stands.' } }) },
  errors: [404, 409],
  async handle(request, _reply, context) {
    const { registry, environment } = context.store
    const { reason } = (request.body ?? {}) as { reason?: string }
    const id = kind.idOf(request)
    const found = await ownedBy(request, context, kind, () => restorable(registry, environment, id))
    if (isDryRun(request)) return { id: found.cycle.id, status: 'active', dry_run: true, was: found.cycle }
    return await restore(registry, environment, found, { by: answerableFor(request), ...(reason === undefined ? {} : { reason }) })
  },
})

export const lifeCycleRoutes: readonly Route[] = kinds.flatMap((kind) => [deprecateRoute(kind), removeRoute(kind), restoreRoute(kind)])
