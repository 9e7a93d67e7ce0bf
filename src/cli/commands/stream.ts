import { type ChildProcess, fork } from 'node:child_process'
import type { Command } from 'commander'
import type { FeatureGroupData } from '../../definition/index.ts'
import { LockstepError } from '../../errors.ts'
import { formatMoment } from '../../lib/moment.ts'
import type { Store } from '../../store/index.ts'
import type { StreamStatus } from '../../stream/index.ts'
import { checkAllowed } from '../allowed.ts'
import { withExamples } from '../examples.ts'
import { find } from '../find.ts'
import { followApplied } from '../follow.ts'
import { formatBytes, formatCount } from '../format.ts'
import { whileStoppable } from '../interrupt.ts'
import type { Output } from '../output.ts'
import { sessionOf } from '../session.ts'
import { collectName, parseThreads, type VersionedName } from '../values.ts'

interface StreamCommandOptions {
  readonly workers?: number
  readonly untilCaughtUp?: boolean
}

export function addStream(program: Command): void {
  const command = program
    .command('stream')
    .description('Keeps live groups up to date with the events of their topics, until it is stopped.')
    .argument('[group...]', 'GROUP, or GROUP@VERSION; all that have a stream by default', collectName)
    .option('--workers <number>', 'processes that share the partitions (default: 1)', parseThreads)
    .option('--until-caught-up', 'end once all that the topics hold now is in the state')
    .action(stream)
  withExamples(command, ['lockstep stream', 'lockstep stream user_clicks --workers 2', 'lockstep stream --until-caught-up --json'])
}

async function stream(names: readonly VersionedName[], options: StreamCommandOptions, command: Command): Promise<void> {
  const session = await sessionOf(command)
  const { output, project } = session
  const groups = names.length === 0 ? project.catalogue.groups : names.map((name) => find('group', project.catalogue.groups, name))
  await checkAllowed(session, 'write', groups)
  const { workers = 1, untilCaughtUp = false } = options
  await using store = await project.open()
  // Groups that are named stay those.
  await using follower = names.length === 0 && !untilCaughtUp ? await followApplied(command, store, project, output) : null
  const streamed = () => store.streamedGroups(follower ? undefined : groups)
  if (streamed().length === 0)
    throw new LockstepError('INVALID_ARGUMENT', 'No group is kept live from a stream', {
      remedy: 'Give a source of events `stream: topic(...)`; its groups are live unless they declare `refresh: every(...)`.',
    })
  const helpers = Array.from({ length: workers - 1 }, () => new HelperProcess())
  const stopped = new AbortController()
  const stop = () => stopped.abort()
  // A helper whose parent is gone, however it went, ends as if it had been told to.
  process.on('disconnect', stop)
  try {
    await whileStoppable(stop, () => work(store, follower ? undefined : streamed(), output, { untilCaughtUp, signal: stopped.signal }))
  } finally {
    process.off('disconnect', stop)
    await Promise.all(helpers.map((helper) => helper.stop()))
  }
  const status = await store.streamStatus(streamed())
  output.result(status, () => showStatus(output, status))
}

async function work(
  store: Store,
  groups: readonly FeatureGroupData[] | undefined,
  output: Output,
  { untilCaughtUp, signal }: { untilCaughtUp: boolean; signal: AbortSignal },
): Promise<void> {
  await using live = await store.stream(groups, { warn: (error) => output.warn((error as Error).message) })
  const lines = output.showsProgress ? showProgress(store, groups) : null
  await Promise.race([aborted(signal), live.failed, ...(untilCaughtUp ? [live.caughtUp()] : [])])
  await lines?.stop()
}

/** Also of a signal that was given before anybody listened, while the workers were still starting. */
function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

/** A line a second, and one at the end: events a second, and how far the stream has come. */
function showProgress(store: Store, groups: readonly FeatureGroupData[] | undefined): { stop(): Promise<void> } {
  let before: { events: number; at: number } | null = null
  const show = async () => {
    const status = await store.streamStatus(groups)
    const events = status.groups.reduce((sum, one) => sum + one.accepted + one.duplicates + one.corrections + one.late, 0)
    const at = performance.now()
    const rate = before === null ? 0 : ((events - before.events) / (at - before.at)) * 1000
    before = { events, at }
    process.stderr.write(`${progressText(status, rate)}\n`)
  }
  let shown = Promise.resolve()
  const next = () => {
    shown = shown.then(show).catch(() => {})
    return shown
  }
  const timer = setInterval(next, 1000)
  return {
    stop() {
      clearInterval(timer)
      return next()
    },
  }
}

/** `12,000 events/s  lag 300  watermark 2026-03-01T12:00:00Z  late 0  duplicate 12  dead-lettered 1  state 1.2 MiB` */
export function progressText({ groups, sources }: StreamStatus, rate: number): string {
  const sum = (value: (group: StreamStatus['groups'][number]) => number) => groups.reduce((total, group) => total + value(group), 0)
  const watermarks = groups.flatMap(({ watermark }) => watermark ?? [])
  return [
    `${formatCount(Math.round(rate))} events/s`,
    `lag ${formatCount(sum(({ lag }) => lag))}`,
    `watermark ${watermarks.length === 0 ? 'none' : formatMoment(Math.min(...watermarks))}`,
    `late ${formatCount(sum(({ late }) => late))}`,
    `duplicate ${formatCount(sum(({ duplicates }) => duplicates))}`,
    `dead-lettered ${formatCount(sources.reduce((total, { deadLetters }) => total + deadLetters, 0))}`,
    `state ${formatBytes(sum(({ memory }) => memory))}`,
  ].join('  ')
}

export function showStatus(output: Output, { groups, sources }: StreamStatus): string {
  const moment = (micros: number | null) => (micros === null ? '' : formatMoment(micros))
  const groupTable = output.table(groups, [
    { title: 'group', value: ({ group, version }) => `${group}@${version}` },
    { title: 'topic', value: ({ topic }) => topic },
    { title: 'filled', value: ({ filled }) => (filled ? 'yes' : 'no') },
    { title: 'workers', align: 'right', value: ({ workers }) => String(workers.length) },
    { title: 'events', align: 'right', value: ({ accepted }) => formatCount(accepted) },
    { title: 'duplicate', align: 'right', value: ({ duplicates }) => formatCount(duplicates) },
    { title: 'corrected', align: 'right', value: ({ corrections }) => formatCount(corrections) },
    { title: 'late', align: 'right', value: ({ late }) => formatCount(late) },
    { title: 'lag', align: 'right', value: ({ lag }) => formatCount(lag) },
    { title: 'state', align: 'right', value: ({ memory }) => formatBytes(memory) },
    { title: 'watermark', value: ({ watermark }) => moment(watermark) },
  ])
  const sourceTable = output.table(sources, [
    { title: 'source', value: ({ source }) => source },
    { title: 'topic', value: ({ topic }) => topic },
    { title: 'events', align: 'right', value: ({ events }) => formatCount(events) },
    { title: 'dead letters', align: 'right', value: ({ deadLetters }) => formatCount(deadLetters) },
    { title: 'in history', align: 'right', value: ({ landed }) => formatCount(landed) },
    { title: 'files', align: 'right', value: ({ files }) => formatCount(files) },
  ])
  return `${groupTable}\n\n${sourceTable}`
}

/** Another process with the same command line and one worker, started again where it dies. */
class HelperProcess {
  #child: ChildProcess
  #stopping = false

  constructor() {
    this.#child = this.#start()
  }

  #start(): ChildProcess {
    const [script = '', ...rest] = process.argv.slice(1)
    const own = rest.filter((argument, place) => !argument.startsWith('--workers') && rest[place - 1] !== '--workers')
    const child = fork(script, [...own, '--quiet'], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    child.on('exit', (code) => {
      if (!this.#stopping && code !== 0) this.#child = this.#start()
    })
    return child
  }

  async stop(): Promise<void> {
    this.#stopping = true
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()))
    this.#child.kill('SIGTERM')
    await ended
  }
}
