import { type EventLog, type LogRecord, topicRecords } from '../eventlog/index.ts'
import { formatMoment } from '../lib/moment.ts'
import type { RowMatch } from '../offline/index.ts'
import { type Cell, compareCell } from '../schema/index.ts'
import { type Feed, feedsOf, recordDecoder, storedUpTo } from '../stream/index.ts'
import type { Forgetting, ForgottenPlace } from './forget.ts'
import type { Subject } from './subject.ts'

type RecordTest = (record: LogRecord) => boolean | Promise<boolean>

/** A topic, which of its records are about the subject, and what is known of who reads it. */
interface Topic {
  readonly name: string
  readonly test: RecordTest
  readonly feed: Feed | null
  /** By what its records are found: by definitions, by columns that are named as the keys, or by the bytes of the values. */
  readonly by: 'definitions' | 'names' | 'bytes'
}

export interface ForgottenTopics {
  readonly places: readonly ForgottenPlace[]
  /** Records that stay in the log and that workers have not stored yet: they bring back what they say. */
  readonly unread: number
}

/** The events of the subject in topics, those that routers copied, and dead letters that name it. */
export async function forgetTopics(forgetting: Forgetting): Promise<ForgottenTopics> {
  const { subject, log, options } = forgetting
  const places: ForgottenPlace[] = []
  let unread = 0
  for (const topic of await topicsOf(forgetting)) {
    const known = topic.by === 'definitions'
    const erases = known || (options.eraseUnknown && (topic.by === 'names' || subject.isTextual))
    if (log.erase) {
      const dryRun = options.dryRun || !erases
      const { records, files } = await log.erase(topic.name, topic.test, dryRun)
      if (records === 0) continue
      const note = known ? '' : topic.by === 'names' ? namesakeNote(subject, erases) : unknownNote('topic', erases)
      places.push({ place: 'log', name: topic.name, files, before: records, after: dryRun ? records : 0, note, known })
      continue
    }
    const kept = await forgetKept(forgetting, topic)
    places.push(...kept.places)
    unread += kept.unread
  }
  return { places, unread }
}

/** What is said of something that holds the subject's values, and of which nobody says what it is. */
export const unknownNote = (what: string, erases: boolean): string =>
  erases
    ? `An unknown ${what}, which held values of the subject.`
    : `Not erased: an unknown ${what}, which holds values of the subject, or equal ones. Look at it, and remove it or add --erase-unknown.`

/** What is said of rows that are found by columns which have the names of the subject's keys. */
export function namesakeNote({ keys, entity }: Subject, erases: boolean): string {
  const names = keys.map(({ name }) => name).join(', ')
  return erases
    ? `Found by the names of its columns: ${names}.`
    : `Not erased: no group says that ${names} here means the ${entity.name}, but the names and the values are the same. Look at it, and add --erase-unknown if so.`
}

/** A log that cannot erase single records: what is told of them, and what is removed up to the last of them where that is asked for. */
async function forgetKept({ subject, log, online, options }: Forgetting, { name, test, feed, by }: Topic): Promise<ForgottenTopics> {
  const ends = new Map<number, { next: number; taken: number }>()
  const found: LogRecord[] = []
  for await (const record of topicRecords(log, name)) {
    if (!(await test(record))) continue
    found.push({ ...record, key: null, value: null, headers: [] })
    ends.set(record.partition, { next: record.offset + 1, taken: record.taken })
  }
  if (found.length === 0) return { places: [], unread: 0 }
  const stored =
    feed &&
    (await storedUpTo(
      feed,
      feed.topic === feed.stream.topic ? await copiesOf(log, feed.topic) : [],
      (await log.partitions(name)) ?? 0,
      online,
    ))
  const unread = found.filter(({ partition, offset }) => offset >= (stored?.get(partition) ?? Number.POSITIVE_INFINITY)).length
  const isKnown = by === 'definitions'
  const place = { place: 'log', name, files: [], before: found.length, known: isKnown } as const
  const truncates = options.truncateLog && log.truncate !== undefined && unread === 0 && isKnown
  if (truncates && !options.dryRun) {
    await log.truncate?.(name, new Map([...ends].map(([partition, { next }]) => [partition, next])))
    const note = `All records up to the last of the subject are removed, also those of others; the files of ${log.name} hold them until it removes their segments.`
    return { places: [{ ...place, after: 0, note }], unread }
  }
  const newest = formatMoment(Math.max(...[...ends.values()].map(({ taken }) => taken)))
  const stays = `${log.name} erases no single record: these stay until the retention of the topic lets go of ${newest}`
  const then = log.truncate && isKnown ? ', or --truncate-log removes all records up to the last of them' : ''
  const late =
    unread === 0 ? '' : ` ${unread} of them no worker has stored yet: run this again once that is done, for they come back with it.`
  const back = feed === null ? '' : ' Until then whoever reads the topic from its begin brings the subject back.'
  const why = by === 'names' ? ` ${namesakeNote(subject, true)}` : ''
  return { places: [{ ...place, after: found.length, note: `${stays}${then}.${late}${back}${why}` }], unread }
}

/**
 * Known topics: those of the subject's sources, the copies that routers made, dead letters; the same of sources whose columns have the
 * names of its keys. Others only where the log is the store's own.
 */
async function topicsOf({ subject, log }: Forgetting): Promise<Topic[]> {
  const there = await log.topics()
  const topics = new Map<string, Topic>()
  const add = (topic: Topic) => {
    if (there.includes(topic.name) && !topics.has(topic.name)) topics.set(topic.name, topic)
  }
  const dead: RecordTest = (record) => names(record, subject)
  const now = new Map(subject.sources.map(({ name, stream }) => [name, stream?.topic]))
  const feeds = subject.sourcesEver.flatMap((source) =>
    feedsOf(subject.groups.filter((group) => group.source.name === source.name).map((group) => ({ ...group, source }))),
  )
  for (const feed of feeds) {
    // Nobody reads a topic that its source had once.
    const isRead = now.get(feed.source.name) === feed.stream.topic
    const match = subject.sourceRows(feed.source)
    add({ name: feed.topic, test: eventTest(feed, subject, match), feed: isRead ? feed : null, by: 'definitions' })
    for (const name of copiesNamed(there, feed.stream.topic))
      add({ name, test: eventTest({ ...feed, topic: name }, subject, match), feed: null, by: 'definitions' })
    add({ name: `${feed.stream.topic}.dead`, test: dead, feed: null, by: 'definitions' })
  }
  const others: Topic[] = []
  for (const source of subject.namesakes) {
    if (source.stream === null) continue
    const { stream } = source
    const copies = copiesNamed(there, stream.topic)
    for (const name of [stream.topic, ...copies, `${stream.topic}.dead`]) {
      const test = name.endsWith('.dead') ? dead : eventTest({ source, stream, topic: name }, subject, subject.namesakeRows(source))
      const before = [topics.get(name), ...others.filter((topic) => topic.name === name)].flatMap((topic) => topic?.test ?? [])
      if (there.includes(name)) others.push({ name, test: allBut(test, before), feed: null, by: 'names' })
    }
  }
  const known = new Set([...topics.keys(), ...subject.otherTopics])
  const isOther = (name: string) => [...known].some((one) => name === one || name === `${one}.dead` || name.startsWith(`${one}.by.`))
  // What erases records is the store's own log; a broker's topics may be anybody's.
  if (log.erase) for (const name of there) if (!isOther(name)) add({ name, test: dead, feed: null, by: 'bytes' })
  return [...topics.values(), ...others]
}

/** Records that no other test has found. */
const allBut =
  (test: RecordTest, others: readonly RecordTest[]): RecordTest =>
  async (record) => {
    for (const other of others) if (await other(record)) return false
    return await test(record)
  }

const copiesNamed = (names: readonly string[], topic: string): string[] => names.filter((name) => name.startsWith(`${topic}.by.`))
const copiesOf = async (log: EventLog, topic: string): Promise<string[]> => copiesNamed(await log.topics(), topic)

/** Whether a record is an event of the subject; of what is no event, whether it names it. */
function eventTest({ source, topic, stream }: Pick<Feed, 'source' | 'topic' | 'stream'>, subject: Subject, rows: RowMatch): RecordTest {
  const decode = recordDecoder(source, topic !== stream.topic)
  const columns = Object.keys(source.columns)
  const match = rows
    .map((keys) => keys.map((key) => ({ ...key, place: columns.indexOf(key.column) })))
    .filter((keys) => keys.every(({ place }) => place >= 0))
  const holds = (cells: readonly Cell[], place: number, type: Parameters<typeof compareCell>[0], cell: Cell) => {
    const found = cells[place] as Cell
    return found !== null && compareCell(type, found, cell) === 0
  }
  return async (record) => {
    const event = await decode(record)
    if ('reason' in event) return names(record, subject)
    return match.some((keys) => keys.every(({ place, type, cell }) => holds(event.cells, place, type, cell)))
  }
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
