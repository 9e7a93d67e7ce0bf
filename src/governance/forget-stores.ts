import type { FeatureGroupData } from '../definition/index.ts'
import type { LogRecord } from '../eventlog/index.ts'
import type { OnlineStore } from '../online/index.ts'
import { type Cell, compareCell } from '../schema/index.ts'
import { eraseLanded, feedsOf, recordDecoder } from '../stream/index.ts'
import type { Forgetting, ForgottenPlace } from './forget.ts'
import type { Subject } from './subject.ts'

/** The events of the subject in topics, those that routers copied, and dead letters that name it. */
export async function forgetTopics({ subject, log, options: { dryRun } }: Forgetting): Promise<ForgottenPlace[]> {
  const places: ForgottenPlace[] = []
  const erase = async (topic: string, test: (record: LogRecord) => boolean | Promise<boolean>) => {
    if ((await log.partitions(topic)) === null) return
    if (!log.erase) {
      const note = `${log.name} keeps its records until its retention lets them go: delete them there, or shorten it.`
      places.push({ place: 'log', name: topic, files: [], before: null, after: null, note })
      return
    }
    const { records, files } = await log.erase(topic, test, dryRun)
    if (records > 0) places.push({ place: 'log', name: topic, files, before: records, after: dryRun ? records : 0, note: '' })
  }
  for (const { source, topic, stream } of feedsOf(subject.groups.filter(({ source }) => source.stream !== null))) {
    const decode = recordDecoder(source, topic !== stream.topic)
    const columns = Object.keys(source.columns)
    const match = subject.sourceRows(source).map((keys) => keys.map((key) => ({ ...key, place: columns.indexOf(key.column) })))
    await erase(topic, async (record) => {
      const event = await decode(record)
      if ('reason' in event) return names(record, subject)
      const holds = (place: number, type: Parameters<typeof compareCell>[0], cell: Cell) => {
        const found = event.cells[place] as Cell
        return found !== null && compareCell(type, found, cell) === 0
      }
      return match.some((keys) => keys.every(({ place, type, cell }) => holds(place, type, cell)))
    })
    if (topic === stream.topic) await erase(`${topic}.dead`, (record) => names(record, subject))
  }
  return places
}

/** Whether bytes that are no event hold the keys of the subject as words. */
function names({ key, value }: LogRecord, { texts }: Subject): boolean {
  const text = [key, value].map((part) => (part === null ? '' : Buffer.from(part).toString('latin1'))).join('\n')
  return texts.every((word) => {
    const sought = Buffer.from(word)
      .toString('latin1')
      .replace(/[|\\^$.*+?()[\]{}-]/g, '\\$&')
    return new RegExp(`(?<![\\w-])${sought}(?![\\w-])`).test(text)
  })
}

const kept: Readonly<Record<string, string>> = {
  redis: 'Redis forgets it in its files when it next rewrites them (BGREWRITEAOF, BGSAVE).',
  postgres: 'PostgreSQL keeps dead rows until VACUUM FULL, and its write-ahead log until it is recycled.',
}

/** Rows of the subject in the tables of its groups, in all versions. */
export async function forgetOnline({ subject, online, options: { dryRun } }: Forgetting): Promise<ForgottenPlace[]> {
  const places: ForgottenPlace[] = []
  const tables = await online.tables()
  const touched: string[] = []
  for (const [name, group] of new Map(subject.groups.map((one) => [one.name, one]))) {
    for (const table of tables.filter((one) => one.startsWith(`${name}@`) && /^\d+(:recent)?$/.test(one.slice(name.length + 1)))) {
      const keys = await keysIn(online, table, subject, group)
      if (keys.length === 0) continue
      if (!dryRun) await online.delete(table, keys)
      touched.push(table)
      const note = kept[online.name] ?? ''
      places.push({ place: 'online', name: table, files: [], before: keys.length, after: dryRun ? keys.length : 0, note })
    }
  }
  if (touched.length > 0 && !dryRun) await online.scrub?.(touched)
  return places
}

async function keysIn(online: OnlineStore, table: string, subject: Subject, group: FeatureGroupData): Promise<Uint8Array[]> {
  const sought = subject.onlineKeys(group)
  if ('exact' in sought) {
    const [values] = await online.read([{ table, keys: [sought.exact] }])
    return values?.[0] ? [sought.exact] : []
  }
  const keys: Uint8Array[] = []
  for await (const { key } of online.scan(table)) if (sought.test(key)) keys.push(new Uint8Array(key))
  return keys
}

/** Events that streams have landed. */
export async function forgetLanded({ subject, online, landing, clock, options: { dryRun } }: Forgetting): Promise<ForgottenPlace[]> {
  const places: ForgottenPlace[] = []
  for (const source of subject.sources.filter(({ stream }) => stream !== null)) {
    const { rows, files } = await eraseLanded(source, subject.sourceRows(source), { state: online, landing, clock, dryRun })
    if (files.length > 0) places.push({ place: 'landed', name: source.name, files, before: rows, after: dryRun ? rows : 0, note: '' })
  }
  return places
}

/** Values of backfills. */
export async function forgetOffline({ subject, offline, options: { dryRun } }: Forgetting): Promise<ForgottenPlace[]> {
  const places: ForgottenPlace[] = []
  const names = new Set(subject.groups.map(({ name }) => name))
  for (const target of (await offline.groups()).filter(({ group }) => names.has(group))) {
    const name = `${target.group}@${target.version}`
    const found = await offline.erase?.(target, subject.groupRows(), dryRun)
    if (found === undefined) {
      const note = `The offline store ${offline.name} cannot erase rows.`
      places.push({ place: 'offline', name, files: [], before: null, after: null, note })
    } else if (found.rows > 0) {
      places.push({ place: 'offline', name, files: found.files, before: found.rows, after: dryRun ? found.rows : 0, note: '' })
    }
  }
  return places
}
