import type { Command } from 'commander'
import { LockstepError } from '../../errors.ts'
import type { Consumers } from '../../governance/index.ts'
import { durationMicros } from '../../lib/duration.ts'
import { formatDate, formatMoment, type Micros, momentMicros } from '../../lib/moment.ts'
import { withExamples } from '../examples.ts'
import { refuseFiles } from '../governed.ts'
import { sessionOf } from '../session.ts'
import { parseDuration, parseMoment } from '../values.ts'

interface DeprecateOptions {
  readonly replacement?: string
  readonly removeAfter?: string
  readonly reason: string
  readonly brownOut: readonly { readonly from: string; readonly to: string }[]
  readonly within: string
  readonly force?: boolean
}

export function addDeprecate(program: Command): void {
  const command = program
    .command('deprecate')
    .description(
      'Says that a feature, group, on-demand view or view is to be read no more: readers are warned, and those who depend on it are named.',
    )
    .argument('<feature>', 'GROUP@VERSION.FEATURE, group:NAME@VERSION, onDemand:NAME@VERSION or view:NAME@VERSION')
    .option('--replacement <feature>', 'what to read instead')
    .option('--remove-after <date>', 'it stays until then', parseMoment)
    .requiredOption('--reason <text>', 'why')
    .option(
      '--brown-out <moment/duration>',
      'a time in which it answers FAILED, so that readers notice; may be repeated',
      collectBrownOut,
      [],
    )
    .option('--within <duration>', 'callers that read it since so long ago are named', parseDuration, '30d')
    .option('--force', 'also with dates that are over')
    .action(deprecateFeature)
  withExamples(command, [
    'lockstep deprecate user_orders@1.user_order_value_avg_90d --replacement user_orders@2.user_order_value_avg_30d --remove-after 2026-12-01 --reason "too coarse"',
    'lockstep deprecate view:ranking@1 --replacement view:ranking@2 --reason "windows of an hour" --brown-out 2026-11-20T10:00Z/10m',
  ])
}

async function deprecateFeature(name: string, options: DeprecateOptions, command: Command): Promise<void> {
  refuseFiles(command)
  const { output, project, actor } = await sessionOf(command)
  const { appliedCatalogue, consumersOf, deprecate, lifeCycleSubject, showDeprecation } = await import('../../governance/index.ts')
  const { environment } = project
  const registry = await project.registry()
  const catalogue = (await appliedCatalogue(registry, environment)) ?? project.catalogue
  const subject = lifeCycleSubject(catalogue, name, environment)
  const { replacement, removeAfter, reason, brownOut, within, force = false } = options
  if (!force) refusePast(options, registry.clock.now())
  await registry.access.check(actor, 'deprecate', subject.target, reason)
  const instead = replacement === undefined ? undefined : lifeCycleSubject(catalogue, replacement, environment).id
  const before = await registry.lifeCycles.get(environment, subject.id)
  const cycle = await deprecate(registry, environment, subject, actor, {
    reason,
    brownOuts: brownOut,
    ...(instead === undefined ? {} : { replacement: instead }),
    ...(removeAfter === undefined ? {} : { removeAfter: formatMoment(momentMicros(removeAfter, 'remove-after')) }),
  })
  const consumers = await consumersOf(registry, catalogue, environment, subject, registry.clock.now() - durationMicros(within))
  const replaced = before?.status === 'deprecated' ? before : null
  if (replaced) output.note(`It replaces what was said on ${replaced.at.slice(0, 10)} by ${replaced.by}: ${showDeprecation(replaced)}`)
  output.result({ ...cycle, environment, consumers, ...(replaced ? { replaced } : {}) }, () =>
    [`${subject.id} is deprecated in ${environment}.`, ...showConsumers(consumers, within)].join('\n'),
  )
}

/** Dates that say nothing any more are slips. Throws `INVALID_ARGUMENT`. */
function refusePast({ removeAfter, brownOut }: DeprecateOptions, now: Micros): void {
  const over = [
    ...(removeAfter !== undefined && momentMicros(removeAfter, 'remove-after') <= now ? [`--remove-after ${removeAfter}`] : []),
    ...brownOut.filter(({ to }) => momentMicros(to, 'brown-out') <= now).map(({ from, to }) => `--brown-out from ${from} to ${to}`),
  ]
  if (over.length === 0) return
  throw new LockstepError('INVALID_ARGUMENT', `${over.join(' and ')} ${over.length > 1 ? 'are' : 'is'} over already`, {
    remedy: 'Give a time to come, leave it out, or add --force.',
  })
}

function showConsumers({ views, callers, models, trainingSets }: Consumers, within: string): string[] {
  const lines = [
    ...views.map((view) => `view ${view} reads it`),
    ...callers.map(({ caller, model, view, last }) => {
      const who = `${caller || 'a caller without a name'}${model ? ` (model ${model})` : ''}`
      return `${who} reads it by ${view}, last on ${formatDate(Math.floor(last / 86_400_000_000))}`
    }),
    ...models.map((model) => `model ${model} depends on it`),
    ...trainingSets.map((id) => `training set ${id} holds it`),
  ]
  return lines.length > 0 ? lines : [`Nobody depends on it, and nobody read it in the last ${within}.`]
}

function collectBrownOut(text: string, before: DeprecateOptions['brownOut']): DeprecateOptions['brownOut'] {
  const [moment = '', duration] = text.split('/')
  if (duration === undefined)
    throw new LockstepError('INVALID_ARGUMENT', `${text} is no time of a brown-out`, {
      remedy: 'Write MOMENT/DURATION: 2026-12-01T10:00Z/10m.',
    })
  const from = momentMicros(parseMoment(moment), 'brown-out')
  return [...before, { from: formatMoment(from), to: formatMoment(from + durationMicros(parseDuration(duration), 'brown-out')) }]
}
