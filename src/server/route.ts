import type { FastifyRequest } from 'fastify'
import type { Operation } from './access/scope.ts'
import type { JsonSchema } from './json-schema.ts'
import type { ServerContext } from './server-context.ts'

export type Method = 'GET' | 'POST'

/** What a route sees of a request, whoever carries it. */
export type RouteRequest = Pick<FastifyRequest, 'headers' | 'params' | 'query' | 'body' | 'log' | 'token' | 'readId' | 'view' | 'span'>

/** How a route answers with status 200, other than by giving what becomes JSON. */
export interface RouteReply {
  type(value: string): this
  header(name: string, value: string): this
  send(body: string | Uint8Array): unknown
}

/** What a caller needs to be allowed: an operation on what a parameter of the path, or the body, names; `any`: a token that counts. */
export interface Permission {
  readonly operation: Operation | 'any'
  /** The view, source, group or (of an admin) environment that a request is about. */
  readonly of?: (request: RouteRequest) => string
  /** The environment that it is done in; that of the server by default. */
  readonly in?: (request: RouteRequest) => string | undefined
  /** The route asks by itself, once it knows what it is about. */
  readonly isAskedByRoute?: boolean
}

/** One endpoint: the same data validate its requests, protect it, and describe it in the OpenAPI document. */
export interface Route {
  readonly method: Method
  /** Parameters as in OpenAPI: `/v1/views/{view}`. */
  readonly path: string
  readonly operationId: string
  readonly summary: string
  readonly description?: string
  /** Null: open to all. */
  readonly permission: Permission | null
  readonly query?: JsonSchema
  readonly body?: JsonSchema
  /** The answer with status 200. */
  readonly answer: { readonly type?: string; readonly schema: JsonSchema }
  /** Statuses of errors that it has beyond those of all. */
  readonly errors?: readonly number[]
  handle(request: RouteRequest, reply: RouteReply, context: ServerContext): unknown
}

export const pathParameter = (request: RouteRequest, name: string): string => (request.params as Record<string, string>)[name] as string

/** As the framework writes it, and metrics tell it: `/v1/views/:view/vectors`. */
export const frameworkPath = ({ path }: Route): string => path.replaceAll(/\{(\w+)\}/g, ':$1')
