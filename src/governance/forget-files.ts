import { readdir, readFile, rm, rmdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { FileHistory, History, SourceData } from '../definition/index.ts'
import { canonicalJson } from '../lib/canonical-json.ts'
import { clearAbandoned } from '../lib/temporary-names.ts'
import { sampledWithin } from '../monitoring/index.ts'
import { countRows, type Duck, eraseFromFile, matches, quoteLiteral, type RowFile, type RowMatch } from '../offline/index.ts'
import type { Forgetting, ForgottenPlace } from './forget.ts'
import { namesakeNote } from './forget-topics.ts'
import type { Subject } from './subject.ts'

/**
 * Rows of the subject in the files of its sources, where these are and where they were: the user's own, which are rewritten only where
 * that is asked for.
 */
export async function forgetSources({ subject, duck, places: { history = {} }, options }: Forgetting): Promise<ForgottenPlace[]> {
  const places: ForgottenPlace[] = []
  const mayRewrite = options.rewriteSources && !options.dryRun
  const erase = async (sources: readonly SourceData[], known: boolean) => {
    for (const [name, versions] of Map.groupBy(sources, (source) => source.name)) {
      const match = known ? subject.sourceRows({ name }) : subject.namesakeRows({ name })
      const rewrite = mayRewrite && (known || options.eraseUnknown)
      const files = new Map<string, number>()
      for (const [at, { source, declared }] of historiesOf(versions, history[name]).entries()) {
        if (declared.kind === 'rows') {
          const before = declared.rows.filter((row) => matches(row, match)).length
          const note = 'Rows in memory: not ours.'
          if (before > 0) places.push({ place: 'source', name, files: [], before, after: before, note, known })
          continue
        }
        const columns = match.map((keys) => keys.map((key) => ({ ...key, column: declared.columns[key.column] ?? key.column })))
        try {
          const all = await historyFiles(duck, source, declared)
          for (const [path, rows] of await eraseFrom(duck, all, columns, rewrite)) files.set(path, Math.max(rows, files.get(path) ?? 0))
        } catch (error) {
          if (at === 0 || !(error instanceof Error)) throw error
          const note = `Files that it had once cannot be looked at, ${[declared.path].flat().join(', ')}: ${error.message}`
          places.push({ place: 'source', name, files: [], before: null, after: null, note, known })
        }
      }
      if (files.size === 0) continue
      const before = sum(files.values())
      const named = known ? [] : [namesakeNote(subject, rewrite || options.eraseUnknown)]
      const kept = 'Not ours: --rewrite-sources rewrites them. Until then materialize and backfill bring the subject back.'
      const note = [...named, ...(rewrite ? [] : [kept])].join(' ')
      places.push({ place: 'source', name, files: [...files.keys()], before, after: rewrite ? 0 : before, note, known })
    }
  }
  await erase(subject.sourcesEver, true)
  await erase(subject.namesakes, false)
  return places
}

/** Where a source is read, and then where it is declared or was once. */
function historiesOf(versions: readonly SourceData[], read: History | undefined) {
  const all = [read, ...versions.map(({ history }) => history)].flatMap((declared, at) => {
    const source = versions[Math.max(at - 1, 0)]
    return declared && source ? [{ source, declared }] : []
  })
  const textOf = ({ source, declared }: (typeof all)[number]) =>
    declared.kind === 'rows' ? declared.kind : canonicalJson([declared, Object.keys(source.columns)])
  return [...new Map(all.toReversed().map((one) => [textOf(one), one])).values()].reverse()
}

/** Rows of the subject in the sample of what was served. */
export async function forgetFeatureLogs({ subject, duck, folder, options }: Forgetting): Promise<ForgottenPlace[]> {
  const places: ForgottenPlace[] = []
  const root = join(folder, 'served')
  for (const name of (await namesIn(root)).filter((one) => !one.startsWith('.'))) {
    const below = await readdir(join(root, name), { recursive: true })
    // Of killed servers: nobody writes them to their end.
    if (!options.dryRun)
      for (const date of new Set(below.map((path) => dirname(path)))) await clearAbandoned(join(root, name, date), '.partial-')
    const all = below
      .filter((path) => path.endsWith('.parquet'))
      .map((path): RowFile => ({ path: join(root, name, path), format: 'parquet' }))
    const match = subject.viewRows(name.replace(/@\d+$/, ''), '__keys')
    const files = await eraseFrom(duck, all, match, !options.dryRun)
    const before = sum(files.values())
    const after = options.dryRun ? before : 0
    if (before > 0) places.push({ place: 'feature log', name, files: [...files.keys()], before, after, note: '', known: true })
  }
  return places
}

/** The same once servers have written what they had sampled until now; nothing where none samples. */
export async function forgetSampled(forgetting: Forgetting): Promise<ForgottenPlace[]> {
  const seconds = await sampledWithin(join(forgetting.folder, 'served'))
  if (seconds === 0) return []
  await forgetting.clock.sleep(seconds * 1000)
  return await forgetFeatureLogs(forgetting)
}

/** Milliseconds in which a read that is being kept is there as a whole. */
const keptWithin = 60_000

/** Reads that were kept for explanations, and have a row of the subject: they go as a whole, also what a killed server has begun. */
export async function forgetKeptReads({ subject, folder, clock, options }: Forgetting): Promise<ForgottenPlace[]> {
  const root = join(folder, 'reads')
  const files: string[] = []
  let before = 0
  for (const name of (await namesIn(root)).filter((one) => /\.json(\.partial)?$/.test(one))) {
    const path = join(root, name)
    if (name.endsWith('.partial') && (await modified(path)) > clock.now() / 1000 - keptWithin) continue
    const rows = keptRows(await readFile(path, 'utf8').catch(() => ''), subject)
    if (rows === 0) continue
    before += rows
    files.push(path)
    if (!options.dryRun) await rm(path, { force: true })
  }
  return before === 0
    ? []
    : [{ place: 'kept reads', name: 'reads', files, before, after: options.dryRun ? before : 0, note: '', known: true }]
}

/** The rows of the subject in a kept read; of one that is not whole, whether it names the subject. */
function keptRows(text: string, subject: Subject): number {
  let read: { readonly view: string; readonly rows: readonly { readonly keys: Readonly<Record<string, unknown>> }[] }
  try {
    read = JSON.parse(text) as typeof read
  } catch {
    return subject.texts.every((one) => text.includes(one)) ? 1 : 0
  }
  return read.rows.filter(({ keys }) => matches(keys, subject.viewRows(read.view))).length
}

/** The files that hold rows that match, and how many; rewritten without them if so. */
async function eraseFrom(duck: Duck, all: readonly RowFile[], match: RowMatch, rewrite: boolean): Promise<Map<string, number>> {
  const files = new Map<string, number>()
  for (const file of all) {
    const within = inPartition(file.path, match)
    const { rows, matching } = await countRows(duck, file, within)
    if (matching === 0) continue
    files.set(file.path, matching)
    if (!rewrite) continue
    // The names of the folders are those of the subject too.
    if (rows === matching && within.some((keys, at) => keys.length < (match[at]?.length ?? 0))) await removePartition(file.path)
    else await eraseFromFile(duck, file, within)
  }
  return files
}

/** Removes a file, and the folders of partitions that are empty then. */
async function removePartition(path: string): Promise<void> {
  await rm(path, { force: true })
  for (let folder = dirname(path); /^[^=]+=[^=]*$/.test(basename(folder)); folder = dirname(folder)) {
    try {
      await rmdir(folder)
    } catch {
      return
    }
  }
}

/** What is left to look for in a file whose path says some of it, as in `customer_id=c17/`. */
function inPartition(path: string, match: RowMatch): RowMatch {
  const said = Object.fromEntries(
    [...path.matchAll(/([^/\\=]+)=([^/\\]*)(?=[/\\])/g)].map(([, name, value]) => [name, partText(value ?? '')]),
  )
  return match.map((keys) => keys.filter((key) => key.member !== undefined || !matches(said, [[key]])))
}

function partText(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

async function historyFiles(duck: Duck, source: SourceData, history: FileHistory): Promise<RowFile[]> {
  const names = Object.keys(source.columns).map((column) => history.columns[column] ?? column)
  const given = history.kind === 'csv' ? { delimiter: history.delimiter, ...(history.header ? {} : { columns: names }) } : {}
  const found: RowFile[] = []
  for (const pattern of [history.path].flat()) {
    const rows = await duck.rows(`SELECT file FROM glob(${quoteLiteral(pattern)}) ORDER BY file`)
    found.push(...rows.map(({ file }) => ({ path: file as string, format: history.kind, ...given })))
  }
  return found
}

const sum = (numbers: Iterable<number>): number => [...numbers].reduce((all, one) => all + one, 0)
const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => [])
const modified = (path: string): Promise<number> =>
  stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  )
