import { errorSchema } from './error-response.ts'
import type { JsonSchema } from './json-schema.ts'
import type { Route } from './route.ts'

const reasons: Readonly<Record<number, string>> = {
  400: 'The request is malformed: the field and the remedy are named.',
  401: 'There is no token that counts.',
  403: 'The token does not allow it.',
  404: 'What is named is not there.',
  409: 'What the registry holds stands against it: it is in use, or somebody was faster.',
  413: 'The body is too large.',
  414: 'What the path names is longer than any name.',
  415: 'The body is of another media type.',
  429: 'Too many requests; Retry-After says when to ask again.',
  500: 'The server failed, or on-demand code did.',
  503: 'A store is down; Retry-After says when to ask again.',
}

/** The OpenAPI 3.1 document (https://spec.openapis.org/oas/v3.1.1.html) of routes, from the schemas that validate their requests. */
export function openApiDocument(routes: readonly Route[], version: string, needsToken: boolean): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const route of routes) {
    paths[route.path] ??= {}
    ;(paths[route.path] as Record<string, object>)[route.method.toLowerCase()] = operationOf(route)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Lockstep',
      version,
      description: 'Feature vectors, events and explanations.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths,
    components: {
      schemas: { Error: errorSchema },
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'An API token: lockstep token create' } },
    },
    security: needsToken ? [{ token: [] }] : [{ token: [] }, {}],
  }
}

function operationOf(route: Route): object {
  const { operationId, summary, description, permission, body, answer, path } = route
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string', minLength: 1 },
  }))
  const inQuery = Object.entries(route.query?.properties ?? {}).map(([name, schema]) => ({
    name,
    in: 'query',
    required: route.query?.required?.includes(name) ?? false,
    schema,
  }))
  const refusals = permission === null ? [429] : [400, 401, 403, 429, 500]
  const errors = [
    ...new Set([...refusals, ...(inPath.length > 0 ? [414] : []), ...(body ? [413, 415] : []), ...(route.errors ?? [])]),
  ].sort((a, b) => a - b)
  const json = (schema: JsonSchema | { $ref: string }) => ({ content: { 'application/json': { schema } } })
  return {
    operationId,
    summary,
    ...(description ? { description } : {}),
    ...(permission === null ? { security: [] } : { 'x-lockstep-permission': permission.operation }),
    parameters: [...inPath, ...inQuery],
    ...(body ? { requestBody: { required: true, ...json(body) } } : {}),
    responses: {
      200: { description: 'The answer.', content: { [answer.type ?? 'application/json']: { schema: answer.schema } } },
      ...Object.fromEntries(
        errors.map((status) => [status, { description: reasons[status], ...json({ $ref: '#/components/schemas/Error' }) }]),
      ),
    },
  }
}
