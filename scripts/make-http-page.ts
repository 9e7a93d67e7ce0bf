/** `npm run docs:http`: writes docs/reference/http-api.md from the OpenAPI document of a server; test/http-page.test.ts holds both equal. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { count, entity, events, featureGroup, featureView, openStore, rows, t } from 'lockstep'
import type { Operation as ScopedOperation } from '../src/server/access/scope.ts'
import type { JsonSchema } from '../src/server/json-schema.ts'
import { Server } from '../src/server/server.ts'
import { root, temporaryFolder } from './workspace.ts'

export const httpPagePath = join(root, 'docs', 'reference', 'http-api.md')

interface Operation {
  readonly summary: string
  readonly description?: string
  readonly security?: readonly object[]
  readonly 'x-lockstep-permission'?: keyof typeof scopes | 'any'
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly schema: JsonSchema }[]
  readonly requestBody?: { readonly content: Content }
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content: Content }>>
}
type Content = Readonly<Record<string, { readonly schema: JsonSchema }>>

export interface HttpDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

const scopes = { read: 'read:VIEW', push: 'push:SOURCE', write: 'write:GROUP', own: 'own:GROUP', admin: 'admin' } as const satisfies Record<
  ScopedOperation,
  string
>
/** What a token needs for an operation. */
function needs(permission: keyof typeof scopes | 'any', path: string): string {
  if (permission === 'any') return 'Needs a token, whatever it allows, where tokens are asked for.'
  const isView = permission === 'own' && path.startsWith('/registry/views/')
  const scope = isView ? 'own:view:VIEW' : path.startsWith('/registry/on-demand/') && permission === 'own' ? 'own:NAME' : scopes[permission]
  return `Needs a token with the scope \`${scope}\`, where tokens are asked for.`
}

const preface = `# HTTP API

What \`lockstep serve\` answers. This page is made from the [OpenAPI 3.1](https://spec.openapis.org/oas/v3.1.1.html) document that a
server has at \`/openapi.json\`, from the same schemas that validate requests. [Serving](../guide/serving.md) shows how it is used.

- Bodies are JSON, in UTF-8. A field that is not named here is refused, but for those of
  [Feast's and Tecton's endpoints](compatible-endpoints.md).
- An error is \`{ "error": { "code", "message", "where", "remedy" } }\` with a code of [these](errors.md).
- Answers with 429 and 503 say in \`Retry-After\` after how many seconds to ask again.
- 64-bit integers, decimals, moments and dates stand as texts, and so do NaN and infinities.
`

/** The document of a server, which is the same whatever it serves. */
export async function httpDocument(): Promise<HttpDocument> {
  using folder = temporaryFolder()
  const user = entity('user', { user_id: t.string() })
  const source = events('clicks', { columns: { user_id: t.string(), at: t.timestamp() }, time: 'at', history: rows([]) })
  const group = featureGroup({ name: 'user_clicks', entity: user, source, features: () => ({ user_click_count: count() }) })
  const view = featureView({ name: 'clicks', features: [group] })
  await using store = await openStore({ definitions: [group, view], online: 'memory', folder: folder.path })
  await using server = await Server.start(store, { log: 'silent' })
  const response = await server.app.inject('/openapi.json')
  return response.json<HttpDocument>()
}

export function httpPage({ paths }: HttpDocument): string {
  const sections = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => section(method.toUpperCase(), path, operation)),
  )
  return `${[preface, ...sections].join('\n').trimEnd()}\n`
}

function section(method: string, path: string, operation: Operation): string {
  const { summary, description, parameters, requestBody, responses } = operation
  const permission = operation['x-lockstep-permission']
  const query = Object.fromEntries(parameters.filter((each) => each.in === 'query').map(({ name, schema }) => [name, schema]))
  const [[type, { schema: answer }]] = Object.entries(responses[200]?.content ?? {}) as [[string, { schema: JsonSchema }]]
  const errors = Object.keys(responses).filter((status) => status !== '200')
  const parts = [
    `## ${method} ${path}`,
    `${summary}.${description ? ` ${description}` : ''}`,
    permission === undefined ? 'Open to all.' : needs(permission, path),
    ...(Object.keys(query).length > 0 ? ['Query:', table({ properties: query })] : []),
    ...(requestBody ? ['Body:', table(requestBody.content['application/json']?.schema ?? {})] : []),
    ...(type === 'application/json' ? answerParts(answer) : [`Answers \`${type}\`.`]),
    `Errors: ${errors.join(', ')}.`,
  ]
  return `${parts.join('\n\n')}\n`
}

const answerParts = (schema: JsonSchema): string[] =>
  schema.properties ? ['Answers:', table(schema)] : [`Answers ${schema.type === 'null' ? '`null`' : 'an object'}.`]

/** The fields of an object, those of inner ones after it. */
function table(schema: JsonSchema): string {
  const lines = fields(schema, '').map(([name, form, text]) => `| \`${name}\` | ${form} | ${text} |`)
  return ['| Field | Form | |', '| --- | --- | --- |', ...lines].join('\n')
}

function fields({ properties = {}, required = [] }: JsonSchema, prefix: string): [name: string, form: string, text: string][] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const text = [
      ...(required.includes(name) && prefix === '' ? ['Always there.'] : []),
      ...(schema.description ? [schema.description] : []),
      ...(schema.default === undefined ? [] : [`Default: \`${JSON.stringify(schema.default)}\`.`]),
    ]
    const inner = schema.properties ? schema : schema.items?.properties ? schema.items : null
    const path = `${prefix}${name}`
    const own: [string, string, string] = [path, formOf(schema), text.join(' ').replaceAll('|', '\\|')]
    return [own, ...(inner ? fields(inner, `${path}${inner === schema ? '.' : '[].'}`) : [])]
  })
}

function formOf({ type, enum: choices, const: only, items, minItems = 0, maxItems }: JsonSchema): string {
  if (only !== undefined) return `\`${JSON.stringify(only)}\``
  if (choices) return choices.map((choice) => `\`${JSON.stringify(choice)}\``).join(', ')
  const text = [type ?? 'any'].flat().join(' or ')
  if (text !== 'array') return text
  const count = maxItems === undefined ? '' : ` of ${minItems} to ${maxItems}`
  return `list${count}${items ? `: ${formOf(items)}` : ''}`
}

if (import.meta.main) writeFileSync(httpPagePath, httpPage(await httpDocument()))
