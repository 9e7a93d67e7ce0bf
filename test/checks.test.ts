import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { checksPage, checksPagePath } from '../scripts/make-checks-page.ts'

test('docs/reference/checks.md lists the rules of src/plan/check-rules.ts', () => {
  assert.equal(readFileSync(checksPagePath, 'utf8'), checksPage(), 'Run `npm run docs:checks`')
})
