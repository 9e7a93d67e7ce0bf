import { type Command, Option } from 'commander'
import type { RunKind } from '../../registry/index.ts'
import { withExamples } from '../examples.ts'
import { formatBytes, formatCount, formatSeconds } from '../format.ts'
import { sessionOf } from '../session.ts'
import { parseCount } from '../values.ts'

const kinds: readonly RunKind[] = [
  'backfill',
  'materialize',
  'train',
  'statistics',
  'apply',
  'rollback',
  'promote',
  'switch',
  'forget',
  'replay',
]

interface RunsOptions {
  readonly kind?: RunKind
  readonly subject?: string
  readonly limit: number
}

export function addRuns(program: Command): void {
  const command = program
    .command('runs')
    .description('Lists what was done in an environment, the newest first: what, when, by whom, rows, time and outcome.')
    .addOption(new Option('--kind <kind>', 'only these').choices(kinds))
    .option('--subject <name>', 'only what was done to this: GROUP@VERSION, view:NAME@VERSION')
    .option('--limit <number>', 'at most so many', parseCount, 20)
    .action(runs)
  withExamples(command, ['lockstep runs', 'lockstep runs --kind materialize --limit 5', 'lockstep runs --subject user_orders@1 --json'])
}

async function runs(options: RunsOptions, command: Command): Promise<void> {
  const { output, project } = await sessionOf(command, { files: true })
  const found = await (await project.registry()).runs.list({ environment: project.environment, ...options })
  output.result(found, () =>
    found.length === 0
      ? 'Nothing was done.'
      : output.table(found, [
          { title: 'started', value: ({ started }) => started },
          { title: 'kind', value: ({ kind }) => kind },
          { title: 'on', value: ({ subject }) => subject },
          { title: 'by', value: ({ by }) => by },
          { title: 'rows', align: 'right', value: ({ rows }) => formatCount(rows) },
          { title: 'size', align: 'right', value: ({ bytes }) => (bytes === 0 ? '' : formatBytes(bytes)) },
          { title: 'time', align: 'right', value: ({ seconds }) => formatSeconds(seconds) },
          { title: 'outcome', value: ({ outcome, error }) => (error ? `${outcome}: ${error.code} ${error.message}` : outcome) },
        ]),
  )
}
