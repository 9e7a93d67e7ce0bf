import type { Command } from 'commander'
import { type AnyView, selectionsOf } from '../../definition/index.ts'
import { LockstepError } from '../../errors.ts'
import type { ParityOptions, ServedParityOptions } from '../../parity/index.ts'
import { checkAllowed } from '../allowed.ts'
import { withExamples } from '../examples.ts'
import { longWork } from '../long-work.ts'
import { movedHistories } from '../moved-histories.ts'
import { type Session, sessionOf } from '../session.ts'
import { showParity } from '../show-parity.ts'
import { showServedParity } from '../show-served-parity.ts'
import { collectText, parseCount, parseDuration, parseName, parseSeed, parseThreads, type VersionedName } from '../values.ts'

interface ParityCommandOptions
  extends Pick<ParityOptions, 'sample' | 'keys' | 'oracleRows' | 'engineRows' | 'seed' | 'limit' | 'lateness' | 'threads'> {
  readonly events?: readonly string[]
  readonly served?: string
  readonly behind?: string
}

export function addParity(program: Command): void {
  const command = program
    .command('parity')
    .description(
      'Sends the same events through training, the online store and the stream, and compares every value as bytes; or, with --served, what was served with history. Ends with code 1 where one differs that nothing explains.',
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
    .option('--served <folder>', 'computes the values of a feature log again, as known when they were served, instead of all other paths')
    .option('--behind <duration>', 'how far the state of a group may be behind what was known, with --served (default: 1d)', parseDuration)
    .action(parity)
  withExamples(command, [
    'lockstep parity ranking',
    'lockstep parity ranking --sample 10000 --seed 7 --json',
    'lockstep parity ranking --events clicks=yesterday.ndjson --lateness 2h',
    'lockstep parity ranking --served .lockstep/served',
  ])
}

async function parity(name: VersionedName, options: ParityCommandOptions, command: Command): Promise<void> {
  const session = await sessionOf(command)
  const { output, project } = session
  const view = project.view(name)
  await checkAllowed(session, 'read', [view])
  const { events = [], served, behind: _behind, ...rest } = options
  if (served !== undefined) return await servedParity(session, view, served, options)
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

/** What was served, by the feature log in a folder. */
async function servedParity({ output, project }: Session, view: AnyView, folder: string, options: ParityCommandOptions): Promise<void> {
  const given = ['behind', 'limit', 'threads'].filter((name) => Object.hasOwn(options, name)) as ('behind' | 'limit' | 'threads')[]
  const chosen: ServedParityOptions = Object.fromEntries(given.map((name) => [name, options[name]]))
  await using store = await project.open()
  const report = await longWork(output, (work) => store.parityOfServed(view, project.path(folder), { ...chosen, ...work }))
  for (const note of report.notes) output.note(note)
  output.result(report, () => showServedParity(report, output))
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
