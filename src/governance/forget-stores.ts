import type { RowMatch, StoredGroup } from '../offline/index.ts'
import type { OnlineStore } from '../online/index.ts'
import type { TypeData } from '../schema/index.ts'
import { eraseLanded, landedPartitions } from '../stream/index.ts'
import type { Forgetting, ForgottenPlace } from './forget.ts'
import { namesakeNote, unknownNote } from './forget-topics.ts'
import type { Subject } from './subject.ts'

const kept: Readonly<Record<string, string>> = {
  redis: 'Redis forgets it in its files when it next rewrites them: BGREWRITEAOF, BGSAVE.',
  postgres: 'PostgreSQL keeps dead rows in its files until VACUUM FULL of online_rows, and in its write-ahead log until that is recycled.',
}

type RowTest = (key: Uint8Array, value: Uint8Array) => boolean
type Sought = { readonly isKnown: boolean } & ({ readonly exact: readonly Uint8Array[] } | { readonly test: RowTest })

/** Rows of the subject in all tables that there are: by what definitions say of their keys, or said once, or elsewhere; else by their bytes. */
export async function forgetOnline({ subject, elsewhere, online, options }: Forgetting): Promise<ForgottenPlace[]> {
  const places: ForgottenPlace[] = []
  const touched: string[] = []
  for (const table of await online.tables()) {
    const sought = soughtIn(table, subject, elsewhere)
    if (sought === null) continue
    const keys = await keysIn(online, table, sought)
    if (keys.length === 0) continue
    const erases = sought.isKnown || options.eraseUnknown
    const stays = options.dryRun || !erases
    if (!stays) {
      await online.delete(table, keys)
      touched.push(table)
    }
    const note = [sought.isKnown ? '' : unknownNote('table', erases), erases ? (kept[online.name] ?? '') : ''].filter(Boolean).join(' ')
    places.push({
      place: 'online',
      name: table,
      files: [],
      before: keys.length,
      after: stays ? keys.length : 0,
      note,
      known: sought.isKnown,
    })
  }
  if (touched.length > 0) await online.scrub?.(touched)
  return places
}

/** What to look for in a table; null where it is known to hold nothing about the subject's entity, or no rows. */
function soughtIn(table: string, subject: Subject, elsewhere: Subject): Sought | null {
  const [, name, version] = /^([^:@]+)@(\d+)(?::recent)?$/.exec(table) ?? []
  // The texts of units and runs.
  if (name === undefined) return /^(history|router):|^erased$|@\d+:/.test(table) ? null : { isKnown: false, test: subject.mayBeRow }
  const own = subject.groupsNamed(name, Number(version))
  const groups = own.length > 0 ? own : elsewhere.groupsNamed(name, Number(version))
  if (groups.length === 0) return { isKnown: false, test: subject.mayBeRow }
  const keys = groups.filter(({ entity }) => subject.isIn(entity)).map((group) => subject.onlineKeys(group))
  if (keys.length === 0) return null
  if (keys.every((one) => 'exact' in one)) return { isKnown: true, exact: keys.map(({ exact }) => exact) }
  const tests = keys.map((one): RowTest => ('test' in one ? one.test : (key) => Buffer.from(one.exact).equals(key)))
  return { isKnown: true, test: (key, value) => tests.some((test) => test(key, value)) }
}

async function keysIn(online: OnlineStore, table: string, sought: Sought): Promise<Uint8Array[]> {
  if ('exact' in sought) {
    const distinct = [...new Map(sought.exact.map((key) => [Buffer.from(key).toString('hex'), key])).values()]
    const [values] = await online.read([{ table, keys: distinct }])
    return distinct.filter((_, at) => values?.[at])
  }
  const keys: Uint8Array[] = []
  for await (const { key, value } of online.scan(table)) if (sought.test(key, value)) keys.push(new Uint8Array(key))
  return keys
}

/** Events that streams have landed: of the subject's sources, of those with columns that are named as its keys, and of sources that nobody knows. */
export async function forgetLanded({ subject, elsewhere, online, landing, clock, options }: Forgetting): Promise<ForgottenPlace[]> {
  const places: ForgottenPlace[] = []
  const landed = new Set([...(await landing.sources()), ...(await landedPartitions(online)).keys()])
  const sources = new Map([...elsewhere.sources, ...subject.sources].map((source) => [source.name, source]))
  for (const name of [...landed].sort()) {
    const source = subject.knowsSource(name) ? subject.sources.find((one) => one.name === name) : sources.get(name)
    const isKnown = source !== undefined || subject.knowsSource(name) || elsewhere.knowsSource(name)
    const match = source ? (subject.knowsSource(name) ? subject : elsewhere).sourceRows(source) : isKnown ? null : subject.anyRows
    const erase = async (match: RowMatch, known: boolean, noteOf: (erases: boolean) => string) => {
      const erases = known || options.eraseUnknown
      const dryRun = options.dryRun || !erases
      const { rows, files } = await eraseLanded({ name }, match, { state: online, landing, clock, dryRun })
      if (files.length === 0) return
      places.push({ place: 'landed', name, files, before: rows, after: dryRun ? rows : 0, note: known ? '' : noteOf(erases), known })
    }
    if (match !== null) await erase(match, isKnown, (erases) => unknownNote('source', erases))
    const namesakes = (subject.knowsSource(name) ? subject : elsewhere).namesakeRows({ name })
    if (namesakes.length > 0) await erase(namesakes, false, (erases) => namesakeNote(subject, erases))
  }
  return places
}

/** Values of backfills: of groups that nobody knows those whose columns have the names and types of the subject's keys. */
export async function forgetOffline({ subject, elsewhere, offline, options }: Forgetting): Promise<ForgottenPlace[]> {
  const places: ForgottenPlace[] = []
  for (const target of await offline.groups()) {
    const [own, other] = [subject.groupsNamed(target.group, target.version), elsewhere.groupsNamed(target.group, target.version)]
    const groups = own.length > 0 ? own : other
    if (groups.length > 0 && !groups.some(({ entity }) => subject.isIn(entity))) continue
    const isKnown = groups.length > 0 || subject.isIn({ keys: await columnsOf(target, offline) })
    const match = isKnown ? subject.groupRows() : subject.anyRows
    if (match === null) continue
    const name = `${target.group}@${target.version}`
    const erases = isKnown || options.eraseUnknown
    const dryRun = options.dryRun || !erases
    const found = await offline.erase?.(target, match, dryRun)
    if (found === undefined) {
      const note = `The offline store ${offline.name} cannot erase rows.`
      places.push({ place: 'offline', name, files: [], before: null, after: null, note, known: isKnown })
    } else if (found.rows > 0) {
      const note = isKnown ? '' : unknownNote('group', erases)
      places.push({ place: 'offline', name, files: found.files, before: found.rows, after: dryRun ? found.rows : 0, note, known: isKnown })
    }
  }
  return places
}

async function columnsOf(target: StoredGroup, offline: Forgetting['offline']): Promise<Readonly<Record<string, TypeData>>> {
  return Object.assign({}, ...(await offline.intervals(target)).map(({ columns }) => columns))
}
