import type { Command } from 'commander'
import { checkAllowed } from '../allowed.ts'
import { withExamples } from '../examples.ts'
import { find } from '../find.ts'
import { countOf, formatCount, formatSeconds } from '../format.ts'
import { longWork } from '../long-work.ts'
import { sessionOf } from '../session.ts'
import { parseBytes, parseDuration, parseMoment, parseName, parseThreads, type VersionedName } from '../values.ts'

interface BackfillOptions {
  readonly from: string
  readonly to: string
  readonly every?: string
  readonly memory?: number
  readonly threads?: number
}

export function addBackfill(program: Command): void {
  const command = program
    .command('backfill')
    .description('Writes the values of a group at its ticks over a time into the offline store; what is there is left.')
    .argument('<group>', 'GROUP, or GROUP@VERSION', parseName)
    .requiredOption('--from <moment>', 'the first tick is at this moment or after it', parseMoment)
    .requiredOption('--to <moment>', 'the last tick is before this moment', parseMoment)
    .option('--every <duration>', 'the time between ticks, of a live group; a scheduled one has its own', parseDuration)
    .option('--memory <size>', 'the memory to use; more data than fit go through the disk', parseBytes)
    .option('--threads <number>', 'the threads to use', parseThreads)
    .action(backfill)
  withExamples(command, [
    'lockstep backfill user_orders --from 2026-01-01 --to 2026-03-01',
    'lockstep backfill user_orders --from 2026-01-01 --to 2026-03-01 --every 1d --memory 1GiB',
  ])
}

async function backfill(name: VersionedName, options: BackfillOptions, command: Command): Promise<void> {
  const session = await sessionOf(command)
  const { output, project } = session
  const group = find('group', project.catalogue.groups, name)
  await checkAllowed(session, 'write', [group])
  const { memory: memoryLimit, ...rest } = options
  await using store = await project.open()
  const result = await longWork(output, (work) => store.backfill(group, { ...rest, ...work, ...(memoryLimit ? { memoryLimit } : {}) }))
  output.result(result, () => {
    const { group: name, version, written, skipped, rows, seconds } = result
    const table = output.table(written, [
      { title: 'from', value: ({ from }) => from },
      { title: 'to', value: ({ to }) => to },
      { title: 'rows', align: 'right', value: (interval) => formatCount(interval.rows) },
    ])
    const there = skipped === 0 ? '' : `, ${countOf(skipped, 'interval was', 'intervals were')} there`
    const summary = `${name} version ${version}: ${countOf(rows, 'row')} written${there}, in ${formatSeconds(seconds)}`
    return written.length === 0 ? summary : `${table}\n\n${summary}`
  })
}
