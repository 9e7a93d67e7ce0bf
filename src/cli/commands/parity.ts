import type { Command } from 'commander'
import { type AnyView, selectionsOf } from '../../definition/index.ts'
import { LockstepError } from '../../errors.ts'
import type { ParityOptions } from '../../parity/index.ts'
import { find } from '../catalogue.ts'
import { withExamples } from '../examples.ts'
import { longWork } from '../long-work.ts'
import { movedHistories } from '../moved-histories.ts'
import { sessionOf } from '../session.ts'
import { showParity } from '../show-parity.ts'
import { collectText, parseCount, parseDuration, parseName, parseSeed, parseThreads, type VersionedName } from '../values.ts'

interface ParityCommandOptions
  extends Pick<ParityOptions, 'sample' | 'keys' | 'oracleRows' | 'engineRows' | 'seed' | 'limit' | 'lateness' | 'threads'> {
  readonly events?: readonly string[]
}

export function addParity(program: Command): void {
  const command = program
    .command('parity')
    .description(
      'Sends the same events through training, the online store and the stream, and compares every value as bytes. Ends with code 1 where one differs that no late event explains.',
    )
    .argument('<view>', 'VIEW, or VIEW@VERSION', parseName)
    .option(
      '--events <[source=]file>',
      'other events of a source than its history: a file, or the word topic for what its topic holds; may be repeated',
      collectText,
    )
    .option('--sample <number>', 'the events of each group around which values are compared (default: 1000)', parseCount)
    .option('--keys <number>', 'the keys of each group that take part, with all their events (default: 10000)', parseCount)
    .option('--oracle-rows <number>', 'the events that the oracle may look at, for each group (default: 2000000)', parseCount)
    .option(
      '--engine-rows <number>',
      'the events of each group that go through a log and an engine on the disk (default: 2000)',
      parseCount,
    )
    .option('--lateness <duration>', 'another lateness to try than the sources declare', parseDuration)
    .option('--seed <number>', 'another choice of events, moments and orders of arrival (default: 1)', parseSeed)
    .option('--limit <number>', 'the differences that are shown of each path (default: 5)', parseCount)
    .option('--threads <number>', 'the threads that read files', parseThreads)
    .action(parity)
  withExamples(command, [
    'lockstep parity ranking',
    'lockstep parity ranking --sample 10000 --seed 7 --json',
    'lockstep parity ranking --events clicks=yesterday.ndjson --lateness 2h',
  ])
}

async function parity(name: VersionedName, options: ParityCommandOptions, command: Command): Promise<void> {
  const { output, project } = await sessionOf(command)
  const view = find('view', project.catalogue.views, name)
  const { events = [], ...rest } = options
  const given = events.map((text) => eventsOf(view, text))
  const topics = given.filter(([, place]) => place === 'topic').map(([source]) => source)
  const files = given.filter(([, place]) => place !== 'topic').map(([source, file]) => [source, project.path(file)])
  const history = movedHistories(project.catalogue.sources, Object.fromEntries(files))
  await using store = await project.open()
  const report = await longWork(output, (work) => store.parity(view, { ...rest, topics, history, ...work }))
  for (const note of report.notes) output.note(note)
  output.result(report, () => showParity(report, output))
  if (!report.proven) process.exitCode = 1
}

/** The source and the place of `SOURCE=PLACE`; a place alone is that of the view's only source of events. */
function eventsOf(view: AnyView, text: string): [source: string, place: string] {
  const at = text.indexOf('=')
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)]
  const names = selectionsOf(view).flatMap(({ group: { source } }) => (source.kind === 'events' ? [source.name] : []))
  const [only, ...others] = new Set(names)
  if (only !== undefined && others.length === 0) return [only, text]
  throw new LockstepError('INVALID_ARGUMENT', `The view ${view.name} reads the events of ${[only, ...others].join(', ') || 'no source'}`, {
    remedy: 'Say of which source they are: --events SOURCE=FILE.',
  })
}
