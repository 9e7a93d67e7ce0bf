import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Command } from 'commander'
import { LockstepError } from '../../errors.ts'
import { checkAllowed } from '../allowed.ts'
import { withExamples } from '../examples.ts'
import { countOf } from '../format.ts'
import { sessionOf } from '../session.ts'

interface PushOptions {
  readonly dryRun?: boolean
}

/** Events that are appended in one go. */
const batchSize = 5000

export function addPush(program: Command): void {
  const command = program
    .command('push')
    .description('Appends events to the topic of a source; each is checked, and durable when the command ends.')
    .argument('<source>', 'the name of a source with a stream')
    .argument('<file>', 'a file with one JSON object a line, or - for standard input')
    .option('--dry-run', 'check the events, and append none')
    .action(push)
  withExamples(command, [
    'lockstep push clicks clicks.ndjson',
    `echo '{"user_id":"u17","at":"2026-03-01T12:00:00Z"}' | lockstep push clicks -`,
    'lockstep push clicks clicks.ndjson --dry-run',
  ])
}

async function push(source: string, file: string, { dryRun = false }: PushOptions, command: Command): Promise<void> {
  const session = await sessionOf(command)
  const { output, project } = session
  await checkAllowed(
    session,
    'push',
    project.catalogue.sources.filter(({ name }) => name === source),
  )
  const input = file === '-' ? process.stdin : createReadStream(project.path(file))
  await using store = await project.open()
  let pushed = 0
  let line = 0
  let batch: Record<string, unknown>[] = []
  const flush = async () => {
    if (batch.length > 0) await store.push(source, batch, { dryRun, first: pushed + 1 })
    pushed += batch.length
    batch = []
  }
  for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    line++
    if (text.trim() === '') continue
    batch.push(parseLine(text, file, line))
    if (batch.length >= batchSize) await flush()
  }
  await flush()
  output.result(
    { source, events: pushed, dryRun },
    () => `${dryRun ? 'Checked' : 'Pushed'} ${countOf(pushed, 'event')} ${dryRun ? 'of' : 'to'} ${source}`,
  )
}

function parseLine(text: string, file: string, line: number): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {}
  throw new LockstepError('INVALID_VALUE', `${text.slice(0, 60)} is no JSON object`, {
    where: `${file === '-' ? 'standard input' : file}, line ${line}`,
    remedy: 'Write one event a line: {"user_id":"u17","at":"2026-03-01T12:00:00Z"}.',
  })
}
