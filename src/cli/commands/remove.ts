import type { Command } from 'commander'
import { durationMicros } from '../../lib/duration.ts'
import { withExamples } from '../examples.ts'
import { sessionOf } from '../session.ts'
import { parseDuration } from '../values.ts'

interface RemoveCommandOptions {
  readonly within: string
  readonly reason?: string
}

export function addRemove(program: Command): void {
  const command = program
    .command('remove')
    .description(
      'Removes a feature, group or view for good, unless somebody depends on it; its name does not come back with another meaning.',
    )
    .argument('<feature>', 'GROUP@VERSION.FEATURE, group:NAME@VERSION or view:NAME@VERSION')
    .option('--within <duration>', 'callers that read it since so long ago hold it up', parseDuration, '30d')
    .option('--reason <text>', 'why; that of the deprecation by default')
    .action(removeFeature)
  withExamples(command, ['lockstep remove view:ranking@1 --within 14d', 'lockstep remove user_orders@1.user_order_value_avg_90d'])
}

async function removeFeature(name: string, { within, reason }: RemoveCommandOptions, command: Command): Promise<void> {
  const { output, project, actor } = await sessionOf(command)
  const { lifeCycleSubject, remove } = await import('../../governance/index.ts')
  const { environment, catalogue } = project
  const registry = await project.registry()
  const subject = lifeCycleSubject(catalogue, name, environment)
  await registry.access.check(actor, 'remove', subject.target, reason)
  const since = registry.clock.now() - durationMicros(within)
  const cycle = await remove(registry, catalogue, environment, subject, { by: actor, since, ...(reason === undefined ? {} : { reason }) })
  output.result({ ...cycle, environment }, () => {
    const files = subject.kind === 'feature' ? `Leave it out of the next version of ${subject.name}.` : 'Take it out of the files too.'
    return `${subject.id} is removed in ${environment}. ${files}`
  })
}
