import type { FastifyInstance } from 'fastify'
import { parseJsonText } from '../lib/parse-json.ts'

type Parser = (request: unknown, text: string, done: (error: Error | null, body?: unknown) => void) => void

/** Reads bodies of JSON: with the framework's checks, which refuse what would change the prototypes of objects, and keys as they are written. */
export function jsonBodyParser(app: FastifyInstance): Parser {
  const parse = app.getDefaultJsonParser('error', 'error') as unknown as Parser
  return (request, text, done) =>
    parse(request, text, (error, body) => {
      if (error) done(error)
      else done(null, text.includes('\\') ? parseJsonText(text) : body)
    })
}
