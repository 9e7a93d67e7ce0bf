import { LockstepError } from '../../errors.ts'
import { type JsonSchema, objectOf } from '../json-schema.ts'
import type { Permission, Route, RouteRequest } from '../route.ts'
import type { ServerContext } from '../server-context.ts'

export type Query = Readonly<Record<string, string | number | boolean | undefined>>

export interface ListRoute<Item> {
  readonly path: string
  readonly operationId: string
  readonly summary: string
  readonly permission?: Permission
  /** Parameters beyond `limit` and `cursor`. */
  readonly filters?: Readonly<Record<string, JsonSchema>>
  /** What tells an item from all others; the cursor is that of the last one of a page. */
  readonly idOf: (item: Item) => string
  /**
   * The items in the order of the list, those that the query lets through. Where the list is long, at most `most` of them and those behind
   * the item `after`; else all.
   */
  readonly items: (
    query: Query,
    context: ServerContext,
    page: { readonly most: number; readonly after: string | null; readonly token: RouteRequest['token'] },
  ) => Promise<readonly Item[]> | readonly Item[]
  /** Whether `items` gives pages itself, and so goes on behind an item that is gone. */
  readonly paged?: boolean
  /** Whether a text is what `idOf` gives, where that is not any. */
  readonly isId?: (text: string) => boolean
}

export const text: JsonSchema = { type: 'string', maxLength: 400 }
const pageSize = 100

/** A list of the registry: pages of items, each with the cursor of the next. */
export function listRoute<Item extends object>({
  path,
  operationId,
  summary,
  permission,
  filters = {},
  idOf,
  items,
  paged = false,
  isId = () => true,
}: ListRoute<Item>): Route {
  return {
    method: 'GET',
    path,
    operationId,
    summary,
    permission: permission ?? { operation: 'read', in: environmentOf },
    query: objectOf({
      ...filters,
      limit: { type: 'integer', minimum: 1, maximum: 1000, default: pageSize, description: 'Items of a page.' },
      cursor: { ...text, description: 'The next of the page before.' },
    }),
    answer: {
      schema: objectOf(
        {
          items: { type: 'array', items: { type: 'object' } },
          next: { type: ['string', 'null'], description: 'The cursor of the next page; null where this is the last one.' },
        },
        ['items', 'next'],
      ),
    },
    async handle(request: RouteRequest, _reply, context) {
      const query = request.query as Query
      const { limit = pageSize, cursor } = query as { limit?: number; cursor?: string }
      const after = cursor === undefined ? null : idFrom(cursor)
      if (after !== null && !isId(after)) throw notFromHere()
      const found = await items(query, context, { most: limit + 1, after, token: request.token })
      const from = paged || after === null ? 0 : found.findIndex((item) => idOf(item) === after) + 1
      if (from === 0 && after !== null && !paged) throw notFromHere()
      const page = found.slice(from, from + limit)
      const last = page.at(-1)
      return { items: page, next: last && found.length > from + limit ? Buffer.from(idOf(last)).toString('base64url') : null }
    },
  }
}

function idFrom(cursor: string): string {
  const id = Buffer.from(cursor, 'base64url').toString()
  if (id !== '' && Buffer.from(id).toString('base64url') === cursor) return id
  throw notFromHere()
}

/** Where the order is not that of ids, nobody knows what would come behind an item that is gone. */
const notFromHere = (): LockstepError =>
  new LockstepError('INVALID_REQUEST', 'The cursor is none that a page gave, or its item is gone', {
    where: 'cursor',
    remedy: 'Begin with the first page again.',
  })

/** The environment that a query names; that of the server is the default. */
export function environmentOf({ query }: RouteRequest): string | undefined {
  const { environment } = query as Query
  return environment === undefined ? undefined : String(environment)
}

/** Whether all of these filters that are given equal what an item has. */
export const passes = (query: Query, having: Readonly<Record<string, unknown>>): boolean =>
  Object.entries(having).every(
    ([name, value]) => query[name] === undefined || (Array.isArray(value) ? value.includes(query[name]) : value === query[name]),
  )
