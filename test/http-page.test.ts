import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { httpDocument, httpPage, httpPagePath } from '../scripts/make-http-page.ts'

test('docs/reference/http-api.md is what the OpenAPI document of a server says', async () => {
  assert.equal(readFileSync(httpPagePath, 'utf8'), httpPage(await httpDocument()), 'Run `npm run docs:http`')
})
