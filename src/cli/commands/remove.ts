import type { Command } from 'commander'
import { confirmOnTerminal } from '../confirmed.ts'
import { withExamples } from '../examples.ts'
import { refuseFiles } from '../governed.ts'
import { orRemoved } from '../removed-things.ts'
import { sessionOf } from '../session.ts'
import { parseDuration } from '../values.ts'

interface RemoveCommandOptions {
  readonly within: string
  readonly reason?: string
  readonly force?: boolean
  readonly yes?: boolean
}

export function addRemove(program: Command): void {
  const command = program
    .command('remove')
    .description(
      'Removes a feature, group, on-demand view or view for good, unless somebody depends on it; its name does not come back with another meaning.',
    )
    .argument('<feature>', 'GROUP@VERSION.FEATURE, group:NAME@VERSION, onDemand:NAME@VERSION or view:NAME@VERSION')
    .option('--within <duration>', 'callers that read it since so long ago hold it up: 30 days or more', parseDuration, '30d')
    .option('--reason <text>', 'why; that of the deprecation by default')
    .option('--force', 'also where callers, training sets or models depend on it, or it is the current version; the audit log says so')
    .option('-y, --yes', 'do not ask on a terminal')
    .action(removeFeature)
  withExamples(command, ['lockstep remove view:ranking@1 --within 90d', 'lockstep remove user_orders@1.user_order_value_avg_90d'])
}

async function removeFeature(
  name: string,
  { within, reason, force = false, yes = false }: RemoveCommandOptions,
  command: Command,
): Promise<void> {
  refuseFiles(command)
  const { output, project, actor } = await sessionOf(command)
  const { appliedCatalogue, lifeCycleSubject, remove, usageSince } = await import('../../governance/index.ts')
  const { environment } = project
  const registry = await project.registry()
  const catalogue = (await appliedCatalogue(registry, environment)) ?? project.catalogue
  const subject = await orRemoved(project, name, () => lifeCycleSubject(catalogue, name, environment))
  await registry.access.check(actor, 'remove', subject.target, reason)
  const since = usageSince(registry.clock.now(), within)
  await confirmOnTerminal(`Remove ${subject.id} from ${environment} for good?`, { yes })
  const options = { by: actor, since, force, ...(reason === undefined ? {} : { reason }) }
  const cycle = await remove(registry, catalogue, environment, subject, options)
  const current = subject.kind === 'view' ? (await registry.applies.head(environment))?.current.get(subject.name) : undefined
  const isSwitched = current !== undefined && current !== project.applied?.head.current.get(subject.name)
  output.result({ ...cycle, environment, ...(isSwitched ? { current } : {}) }, () => {
    const files = subject.kind === 'feature' ? `Leave it out of the next version of ${subject.name}.` : 'Take it out of the files too.'
    const switched = isSwitched ? ` ${subject.name} is ${subject.name}@${current} now.` : ''
    return `${subject.id} is removed in ${environment}.${switched} ${files}`
  })
}
