import type { Command } from 'commander'
import { LockstepError } from '../../errors.ts'
import { durationMicros } from '../../lib/duration.ts'
import { formatMoment } from '../../lib/moment.ts'
import { suggestion } from '../../lib/suggestion.ts'
import type { Registry } from '../../registry/index.ts'
import { withExamples } from '../examples.ts'
import { formatCount } from '../format.ts'
import type { Project } from '../project.ts'
import { sessionOf } from '../session.ts'
import { parseDuration } from '../values.ts'

export function addUsage(program: Command): void {
  const command = program
    .command('usage')
    .description('Shows who reads which features of views, as the servers of an environment have counted it.')
    .argument('[view]', 'only this view')
    .option('--since <duration>', 'only the days since so long ago', parseDuration, '30d')
    .action(usage)
  withExamples(command, ['lockstep usage', 'lockstep usage ranking --since 90d', 'lockstep usage ranking --json'])
}

async function usage(view: string | undefined, { since }: { readonly since: string }, command: Command): Promise<void> {
  const { output, project } = await sessionOf(command, { files: true })
  const registry = await project.registry()
  const found = await registry.usage.read(project.environment, { since: registry.clock.now() - durationMicros(since), view })
  if (view !== undefined && found.length === 0) await checkKnown(project, registry, view)
  const reads = found.map(({ first, last, ...read }) => ({ ...read, first: formatMoment(first), last: formatMoment(last) }))
  output.result(reads, () =>
    reads.length === 0
      ? 'Nobody has read anything.'
      : output.table(reads, [
          { title: 'view', value: (read) => `${read.view}@${read.version}` },
          { title: 'feature', value: ({ feature }) => feature },
          { title: 'caller', value: ({ caller }) => caller },
          { title: 'model', value: ({ model }) => model },
          { title: 'requests', align: 'right', value: ({ requests }) => formatCount(requests) },
          { title: 'vectors', align: 'right', value: ({ vectors }) => formatCount(vectors) },
          { title: 'last', value: ({ last }) => last },
        ]),
  )
}

/** Throws `UNKNOWN_NAME` for a view that neither the files nor what is applied have, and that nobody ever read. */
async function checkKnown({ environment, catalogue }: Project, { applies, usage: counts }: Registry, view: string): Promise<void> {
  const applied = (await applies.head(environment))?.current.keys() ?? []
  const read = await counts.read(environment, { since: 0 })
  const names = [...new Set([...catalogue.views.map(({ name }) => name), ...applied, ...read.map((each) => each.view)])]
  if (!names.includes(view)) throw new LockstepError('UNKNOWN_NAME', `There is no view ${view}${suggestion(view, names)}`)
}
