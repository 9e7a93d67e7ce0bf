import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkDocs } from '../scripts/docs/check.ts'
import { documentationPages } from '../scripts/docs/pages.ts'
import { root } from '../scripts/workspace.ts'

test('the links and examples of the documentation hold', async () => {
  const problems = await checkDocs(root, documentationPages(root))
  const report = problems.map(({ page, line, message }) => `${page}:${line}: ${message}`)
  assert.deepEqual(report, [], report.join('\n\n'))
})
