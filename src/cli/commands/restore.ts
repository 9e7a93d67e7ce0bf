import type { Command } from 'commander'
import { catalogueOf } from '../../definition/index.ts'
import { Standings } from '../../registry/index.ts'
import { withExamples } from '../examples.ts'
import { appliedDefinitions, appliedWithoutCode, refuseFiles } from '../governed.ts'
import { sessionOf } from '../session.ts'

export function addRestore(program: Command): void {
  const command = program
    .command('restore')
    .description(
      'Makes what was deprecated or removed active again, as it was: a view, group or on-demand view that left what is applied comes back to it.',
    )
    .argument('<feature>', 'GROUP@VERSION.FEATURE, group:NAME@VERSION, onDemand:NAME@VERSION or view:NAME@VERSION')
    .option('--reason <text>', 'why')
    .action(restoreFeature)
  withExamples(command, [
    'lockstep restore user_orders@1.user_order_value_avg_90d --reason "finance still reads it"',
    'lockstep restore view:ranking@1',
  ])
}

async function restoreFeature(name: string, { reason }: { readonly reason?: string }, command: Command): Promise<void> {
  refuseFiles(command)
  const { output, project, actor } = await sessionOf(command)
  const { restorable, restore } = await import('../../governance/index.ts')
  const { environment } = project
  const registry = await project.registry()
  const subject = await restorable(registry, environment, name)
  const { id, status } = subject.cycle
  await registry.access.check(actor, status === 'removed' ? 'remove' : 'deprecate', subject.target, reason)
  const cycle = await restore(registry, environment, subject, { by: actor, ...(reason === undefined ? {} : { reason }) })
  const applied = await appliedDefinitions(registry, environment, project.files)
  for (const { id: needed, why } of applied?.incomplete ?? []) output.warn(`${needed} cannot be served by a process that starts: ${why}.`)
  // What is a draft by its definition, or part of something that is deprecated, is that again.
  const whole = await appliedWithoutCode(registry, environment)
  const catalogue = whole ? catalogueOf(whole.definitions) : project.catalogue
  const { status: now } = new Standings(catalogue, await registry.lifeCycles.list(environment)).of(id)
  output.result({ ...cycle, status: now, environment }, () => `${id} was ${status}, and is ${now} in ${environment} again.`)
}
