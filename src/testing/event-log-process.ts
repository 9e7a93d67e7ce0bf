import { writeSync } from 'node:fs'
import type { EventLog } from '../eventlog/index.ts'
import { reader, record, text } from './event-log-records.ts'

/** What a process of the suite does with a log that it opens by a module and a function. */
export interface ProcessPlan {
  readonly module: string
  readonly factory: string
  readonly options: unknown
  readonly topic: string
  readonly work:
    | { readonly kind: 'append'; readonly writer: string; readonly batches: number; readonly size: number }
    | { readonly kind: 'read'; readonly group: string; readonly sessionTimeout: number }
}

/** What it tells, a line of JSON each. */
export type ProcessNews =
  | { readonly ready: true }
  /** So many batches are durable. */
  | { readonly appended: number }
  | { readonly assignment: readonly number[] }
  | { readonly read: string }

const tell = (news: ProcessNews): void => {
  writeSync(1, `${JSON.stringify(news)}\n`)
}

/** Of the first batch the first record is 0. Long enough to be torn. */
export const appendedRecord = (writer: string, number: number) =>
  record(`${writer} ${number % 20}`, `${writer} ${number} ${'.'.repeat(100)}`)

async function append(log: EventLog, topic: string, writer: string, batches: number, size: number): Promise<void> {
  for (let batch = 0; batch < batches; batch++) {
    await log.append(
      topic,
      Array.from({ length: size }, (_, at) => appendedRecord(writer, batch * size + at)),
    )
    tell({ appended: batch + 1 })
  }
}

/** Reads for ever, and remembers nothing of it. */
async function read(log: EventLog, topic: string, group: string, sessionTimeout: number): Promise<void> {
  const consumer = await reader(log, topic, { group, sessionTimeout })
  for (let known = ''; ; ) {
    for (const { value } of await consumer.read(100, 20)) tell({ read: text(value) ?? '' })
    const assignment = consumer.assignment
    if (`${assignment}` !== known) tell({ assignment })
    known = `${assignment}`
  }
}

if (import.meta.main) {
  // The pipe ends when the test does, however it ends.
  process.stdin.on('end', () => process.exit()).resume()
  const { module, factory, options, topic, work } = JSON.parse(process.argv[2] ?? '') as ProcessPlan
  const loaded = (await import(module)) as Record<string, (options: unknown) => EventLog | Promise<EventLog>>
  const log = await loaded[factory]?.(options)
  if (log === undefined) throw new Error(`${module} has no ${factory}`)
  tell({ ready: true })
  if (work.kind === 'append') await append(log, topic, work.writer, work.batches, work.size)
  else await read(log, topic, work.group, work.sessionTimeout)
  await log.close()
  process.exit()
}
