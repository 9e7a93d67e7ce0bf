import type { Command } from 'commander'
import { checkAllowed } from '../allowed.ts'
import { withExamples } from '../examples.ts'
import { find } from '../find.ts'
import { formatBytes, formatCount, formatSeconds } from '../format.ts'
import { longWork } from '../long-work.ts'
import { sessionOf } from '../session.ts'
import { collectName, parseBytes, parseMoment, parseThreads, type VersionedName } from '../values.ts'
import { warnOfRows } from '../warn-of-rows.ts'

interface MaterializeCommandOptions {
  readonly asOf?: string
  readonly rebuild?: boolean
  readonly memory?: number
  readonly threads?: number
}

export function addMaterialize(program: Command): void {
  const command = program
    .command('materialize')
    .description('Writes to the online store what it needs to answer at any later moment.')
    .argument('[group...]', 'GROUP, or GROUP@VERSION; all by default', collectName)
    .option('--as-of <moment>', 'the moment up to which history counts (default: now)', parseMoment)
    .option('--rebuild', 'replace what another definition of the same version has stored')
    .option('--memory <size>', 'the memory to use; more data than fit go through the disk', parseBytes)
    .option('--threads <number>', 'the threads to use', parseThreads)
    .action(materialize)
  withExamples(command, [
    'lockstep materialize',
    'lockstep materialize user_orders item_catalogue --memory 1GiB',
    'lockstep materialize user_orders --as-of 2026-03-01 --rebuild',
  ])
}

async function materialize(names: readonly VersionedName[], options: MaterializeCommandOptions, command: Command): Promise<void> {
  const session = await sessionOf(command)
  const { output, project } = session
  const groups = names.length === 0 ? project.catalogue.groups : names.map((name) => find('group', project.catalogue.groups, name))
  await checkAllowed(session, 'write', groups)
  const { memory: memoryLimit, ...rest } = options
  await using store = await project.open()
  const results = await longWork(output, (work) => store.materialize(groups, { ...rest, ...work, ...(memoryLimit ? { memoryLimit } : {}) }))
  await warnOfRows(
    results.flatMap(({ report }) => report ?? []),
    output,
  )
  output.result(results, () =>
    output.table(results, [
      { title: 'group', value: ({ group }) => group },
      { title: 'version', align: 'right', value: ({ version }) => String(version) },
      { title: 'keys', align: 'right', value: ({ keys }) => formatCount(keys) },
      { title: 'written', align: 'right', value: ({ written }) => formatCount(written) },
      { title: 'kept, newer', align: 'right', value: ({ older }) => formatCount(older) },
      { title: 'size', align: 'right', value: ({ bytes }) => formatBytes(bytes) },
      { title: 'time', align: 'right', value: ({ seconds }) => formatSeconds(seconds) },
    ]),
  )
}
