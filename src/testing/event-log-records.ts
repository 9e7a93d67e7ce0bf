import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { Consumer, EventLog, LogRecord, NewRecord } from '../eventlog/index.ts'

/** One log, made for one test. Each test has topics of its own, so the log may hold others. */
export interface EventLogUnderTest {
  readonly log: EventLog
  /** Opens the same log again, beside `log` or after it was closed; for a log that is durable or shared by processes. */
  readonly reopen?: () => Promise<EventLog>
  /** How another process opens the same log, for one that is shared by processes: it calls `factory` of `module` with `options`. */
  readonly elsewhere?: { readonly module: string; readonly factory: string; readonly options: unknown }
  /** Removes what the test has left; `log` is closed by then. */
  cleanup(): Promise<void>
}

export interface EventLogSuiteOptions {
  /** The shortest session timeout that the log allows, in milliseconds. Default: 1,000. */
  readonly sessionTimeout?: number
}

/** What a test has to do with: the log, a topic that nobody else uses, and what is to be closed in the end. */
export interface Setting extends Required<EventLogSuiteOptions> {
  readonly under: EventLogUnderTest
  readonly log: EventLog
  readonly topic: string
  /** Opens the log once more; it is closed with the test. */
  readonly another: () => Promise<EventLog>
}

export type Case = (setting: Setting, context: TestContext) => Promise<void>

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
export const text = (value: Uint8Array | null): string | null => value && Buffer.from(value).toString()
export const record = (key: string | null, value: string, partition?: number): NewRecord => ({
  key: key === null ? null : bytes(key),
  value: bytes(value),
  ...(partition === undefined ? {} : { partition }),
})

/** A reader that begins with these offsets, or with 0. */
export async function reader(
  log: EventLog,
  topic: string,
  options: { group?: string; from?: Record<number, number>; sessionTimeout?: number } = {},
): Promise<Consumer> {
  const { group = 'readers', from = {}, sessionTimeout } = options
  return await log.consume(topic, {
    group,
    assigned: (partitions) => Promise.resolve(new Map(partitions.map((partition) => [partition, from[partition] ?? 0]))),
    revoked: () => Promise.resolve(),
    ...(sessionTimeout === undefined ? {} : { sessionTimeout }),
  })
}

/** Reads until there are so many records. */
export async function readSome(consumer: Consumer, count: number, limit = 1000): Promise<LogRecord[]> {
  const records: LogRecord[] = []
  const late = Date.now() + patience
  while (records.length < count) {
    assert.ok(Date.now() < late, `${records.length} records of ${count} have come`)
    records.push(...(await consumer.read(limit, 500)))
  }
  assert.equal(records.length, count)
  return records
}

/** All that the topic holds, by partition. */
export async function readTopic(log: EventLog, topic: string): Promise<Map<number, LogRecord[]>> {
  const ends = await log.offsets(topic)
  const consumer = await reader(log, topic, { group: crypto.randomUUID() })
  try {
    const total = ends.reduce((sum, { first, next }) => sum + next - first, 0)
    return Map.groupBy(await readSome(consumer, total), ({ partition }) => partition)
  } finally {
    await consumer.close()
  }
}

/** How long a test waits for what has to come, in milliseconds. */
const patience = 45_000

/** Waits until something is so. */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  const late = Date.now() + patience
  while (!isSo()) {
    assert.ok(Date.now() < late, `waiting until ${what}`)
    await setTimeout(5)
  }
}
