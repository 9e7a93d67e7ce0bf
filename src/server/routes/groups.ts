import { answerableFor } from '../caller.ts'
import { inPath } from '../error-response.ts'
import { objectOf } from '../json-schema.ts'
import { pathParameter, type Route } from '../route.ts'

export const materializeRoute: Route = {
  method: 'POST',
  path: '/v1/groups/{group}/materialize',
  operationId: 'materializeGroup',
  summary: "Writes a group's newest values into the online store",
  description: 'Answered when it is done, after seconds or minutes. One runs at a time.',
  permission: { operation: 'write', of: (request) => pathParameter(request, 'group') },
  body: objectOf({ version: { type: 'integer', minimum: 1 }, as_of: { type: 'string', maxLength: 40 } }),
  answer: {
    schema: objectOf({
      group: { type: 'string' },
      version: { type: 'integer' },
      keys: { type: 'integer' },
      written: { type: 'integer' },
      older: { type: 'integer' },
    }),
  },
  errors: [404, 503],
  async handle(request, _reply, { store, history }) {
    const { version, as_of: asOf } = (request.body ?? {}) as { version?: number; as_of?: string }
    const group = inPath(() => store.group(pathParameter(request, 'group'), version))
    const options = { by: answerableFor(request), ...(asOf === undefined ? {} : { asOf }) }
    const [result] = await history.run(() => store.materialize([group], options))
    const { keys, written, older } = result as NonNullable<typeof result>
    return { group: group.name, version: group.version, keys, written, older }
  },
}
