import { formatMoment } from '../../lib/moment.ts'
import type { Operation } from '../access/scope.ts'
import { objectOf } from '../json-schema.ts'
import type { Route } from '../route.ts'

const operations = ['read', 'push', 'write', 'own', 'admin'] as const satisfies readonly Operation[]
const extent = { enum: ['all', 'some', 'none'] }
const text = { type: 'string' }

const me: Route = {
  method: 'GET',
  path: '/registry/me',
  operationId: 'describeCaller',
  summary: 'Who asks, and what they may do in which environment',
  description: '`some`: on what the roles or scopes name. Operations are those that `x-lockstep-permission` gives in the OpenAPI document.',
  permission: { operation: 'any' },
  answer: {
    schema: objectOf(
      {
        single_user: { type: 'boolean', description: 'No token is asked for: everybody may do everything.' },
        name: { type: ['string', 'null'], description: 'Whose token it is.' },
        principal: { type: ['string', 'null'], description: 'Whose roles count; null of a token with scopes.' },
        token: {
          ...objectOf({ id: text, created: text, expires: { type: ['string', 'null'] }, rate: { type: ['number', 'null'] } }),
          type: ['object', 'null'],
        },
        roles: { type: 'array', items: objectOf({ role: text, environment: text, on: text }, ['role', 'environment', 'on']) },
        scopes: { type: 'array', items: text },
        environment: { ...text, description: 'The one that is served.' },
        environments: {
          type: 'array',
          description: 'Those in which something is allowed.',
          items: objectOf(
            {
              name: text,
              served: { type: 'boolean' },
              may: objectOf(Object.fromEntries(operations.map((operation) => [operation, extent])), operations),
            },
            ['name', 'served', 'may'],
          ),
        },
      },
      ['single_user', 'name', 'principal', 'token', 'roles', 'scopes', 'environment', 'environments'],
    ),
  },
  async handle({ token }, _reply, { store, access }) {
    const roles = token === null ? [] : access.grantsOf(token).map(({ role, environment, on }) => ({ role, environment, on }))
    const named = roles.flatMap(({ environment }) => (environment === '*' ? [] : [environment]))
    const names = [...new Set([...(await store.registry.applies.environments()), store.environment, ...named])].sort()
    const environments = names.map((name) => ({
      name,
      served: name === store.environment,
      may: Object.fromEntries(operations.map((operation) => [operation, token ? access.extent(token, operation, name) : 'all'])),
    }))
    return {
      single_user: token === null,
      name: token?.name ?? null,
      principal: token?.principal ?? null,
      token: token && {
        id: token.id,
        created: formatMoment(token.created),
        expires: token.expires === null ? null : formatMoment(token.expires),
        rate: token.rate,
      },
      roles,
      scopes: token?.scopes ?? [],
      environment: store.environment,
      environments: environments.filter(({ may }) => Object.values(may).some((each) => each !== 'none')),
    }
  },
}

export const callerRoutes: readonly Route[] = [me]
