import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fastify } from 'fastify'
import { jsonBodyParser } from './json-body.ts'

test('keys of a body are read as they are written, and what would change a prototype is refused', async () => {
  const app = fastify()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, jsonBodyParser(app) as never)
  app.post('/', (request) => Object.keys((request.body as { more: object }).more))
  const send = (body: string) => app.inject({ method: 'POST', url: '/', headers: { 'content-type': 'application/json' }, body })
  await send('{"more":{"h":[],"\\\\":0}}')
  assert.deepEqual((await send('{"more":{"h":1,"\\"":2}}')).json(), ['h', '"'])
  for (const poisoned of ['{"more":{"__proto__":{}}}', '{"more":{"\\u005f_proto__":{}}}', '{"more":']) {
    assert.equal((await send(poisoned)).statusCode, 400)
  }
})
