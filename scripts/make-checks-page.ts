/** `npm run docs:checks`: writes docs/reference/checks.md from src/plan/check-rules.ts; test/checks.test.ts holds both equal. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkRules } from '../src/plan/index.ts'
import { root } from './workspace.ts'

export const checksPagePath = join(root, 'docs', 'reference', 'checks.md')

const introduction = `# Checks

What contradicts itself cannot be declared: it raises an [error](errors.md) at once. \`lockstep check\` loads the definitions of
a project and then asks what a reviewer would ask, by the rules below. Each finding tells the place, the matter and what to do;
the command ends with code 1 where one of them is an error.

A project changes the severity of a rule in \`lockstep.config.ts\`:

\`\`\`ts file=lockstep.config.ts
import type { ProjectConfig } from 'lockstep'

export default {
  checks: { 'name-window': 'error', description: 'off' },
} satisfies ProjectConfig
\`\`\`

Groups, on-demand views and feature views are checked in their newest version; older ones stay as they are. \`lockstep plan\` asks the same,
with the severities of the environment; there a finding that is an error keeps a change from being applied. A project adds
[rules of its own](../guide/plan-and-apply.md#policies).

| Rule | By default | Asks |
| --- | --- | --- |
`

export function checksPage(): string {
  return (
    introduction +
    Object.entries(checkRules)
      .map(([name, { severity, asks }]) => `| \`${name}\` | ${severity} | ${asks} |\n`)
      .join('')
  )
}

if (import.meta.main) writeFileSync(checksPagePath, checksPage())
