/** `npm run docs:errors`: writes docs/reference/errors.md from src/errors.ts; test/errors.test.ts holds both equal. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { errorCatalogue } from '../src/errors.ts'
import { root } from './workspace.ts'

export const errorsPagePath = join(root, 'docs', 'reference', 'errors.md')

const introduction = `# Errors

Everything that Lockstep raises on purpose is a \`LockstepError\`. Its \`code\` is one of those below and does not change
between versions; \`message\` says what is wrong in the case at hand, \`where\` the place (a feature, a file and row, an
option), \`remedy\` what to do. The command line prints all of it, with \`--json\` as one JSON object. An error without a
code is a defect of Lockstep.

| Code | Meaning | What to do |
| --- | --- | --- |
`

export function errorsPage(): string {
  const rows = Object.entries(errorCatalogue).map(([code, [meaning, remedy]]) => `| \`${code}\` | ${cell(meaning)} | ${cell(remedy)} |\n`)
  return introduction + rows.join('')
}

const cell = (text: string) => text.replaceAll('|', '\\|')

if (import.meta.main) writeFileSync(errorsPagePath, errorsPage())
