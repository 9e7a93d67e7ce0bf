import type { Command } from 'commander'
import { withExamples } from '../examples.ts'
import { countOf } from '../format.ts'
import { strong } from '../output.ts'
import { sessionOf } from '../session.ts'
import { formatPairs } from '../table.ts'

export function addCheck(program: Command): void {
  const command = program
    .command('check')
    .description('Loads the definitions and checks them. Ends with code 1 where a finding is an error.')
    .action(check)
  withExamples(command, ['lockstep check', 'lockstep check --definitions definitions/orders.ts', 'lockstep check --json'])
}

async function check(_options: unknown, command: Command): Promise<void> {
  const { output, project } = await sessionOf(command, { files: true })
  const { checkDefinitions } = await import('../../plan/index.ts')
  const findings = checkDefinitions(project.files, project.config.checks, {
    policies: project.config.policies ?? [],
    environment: project.environment,
  })
  const errors = findings.filter(({ severity }) => severity === 'error').length
  const warnings = findings.length - errors
  output.result({ definitions: project.definitions.length, errors, warnings, findings }, () => {
    const lists = findings.map(({ severity, rule, message, where, remedy }) => {
      const pairs = formatPairs([
        ['where', where || null],
        ['remedy', remedy || null],
        ['rule', rule],
      ])
      return `${strong(`${severity === 'error' ? 'Error' : 'Warning'}: ${message}`)}\n${pairs.replace(/^/gm, '  ')}`
    })
    return [
      ...lists,
      `${countOf(project.definitions.length, 'definition')}: ${countOf(errors, 'error')}, ${countOf(warnings, 'warning')}`,
    ].join('\n\n')
  })
  if (errors > 0) process.exitCode = 1
}
