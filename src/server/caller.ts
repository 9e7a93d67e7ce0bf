import type { Token } from './access/tokens.ts'
import type { RouteRequest } from './route.ts'
import type { Caller } from './server-context.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** What the request was let in with; null where the server asks for none. */
    token: Token | null
    /** Of a read, once it has one; else empty. */
    readId: string
  }
  interface FastifyContextConfig {
    /** Open to all, and answered however much there is to do. */
    isOpen?: boolean
  }
}

const text = (header: string | string[] | undefined): string => (Array.isArray(header) ? header[0] : header)?.slice(0, 200) ?? ''

/**
 * Who asks, and for which model. Whose token it is comes first, so that nobody reads under the name of another; behind it who they say to
 * be, by the body or a header: `ranking-api/web`. Without tokens it is who they say to be.
 */
export function callerOf(request: RouteRequest, body: { readonly caller?: string; readonly model?: string } = {}): Caller {
  const { token, headers } = request
  const said = body.caller ?? text(headers['lockstep-caller'])
  const own = token?.name ?? ''
  return {
    name: own === '' || said === '' || said === own ? own || said : `${own}/${said}`,
    model: body.model ?? text(headers['lockstep-model']),
    token,
  }
}

/** Who is answerable for a change: whose token it is. Only where no token is asked for it is who they say to be. */
export const answerableFor = (request: RouteRequest): string => request.token?.name ?? (callerOf(request).name || 'http')
