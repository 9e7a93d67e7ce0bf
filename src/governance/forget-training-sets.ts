import { randomBytes } from 'node:crypto'
import { access, open, readFile, rename, rm } from 'node:fs/promises'
import { formatMoment } from '../lib/moment.ts'
import { countRows, type Duck, eraseFromFile, exactPath, matchSql, quoteIdentifier, type RowFile, type RowMatch } from '../offline/index.ts'
import type { TrainingSetManifest } from '../pointintime/index.ts'
import type { ErasedRows, TrainingSetRecord } from '../registry/index.ts'
import type { Forgetting, ForgottenPlace } from './forget.ts'

/** Rows of the subject in training sets that were recorded. */
export async function forgetTrainingSets(forgetting: Forgetting): Promise<ForgottenPlace[]> {
  const { subject, duck, trainingSets, machine, options } = forgetting
  const places: ForgottenPlace[] = []
  const rewrite = options.rewriteTrainingSets && !options.dryRun
  for (const set of trainingSets.filter((one) => one.live && one.machine !== machine)) {
    const note = `It lies on the machine ${set.machine}, which was not looked at.`
    places.push({ place: 'training set', name: set.path, files: [], before: null, after: null, note, known: true })
  }
  // A file is that of the last set that was written there.
  const newest = new Map(trainingSets.toReversed().map((set) => [set.path, set]))
  for (const [path, set] of newest) {
    if (set.machine !== machine || !(await isThere(path))) continue
    const file = rowFileOf(path)
    if (file === null) {
      const note = 'A format that cannot be rewritten: make it again, or remove it.'
      places.push({ place: 'training set', name: path, files: [path], before: null, after: null, note, known: true })
      continue
    }
    const match = subject.viewRows(set.view)
    const { rows, matching } = await countRows(duck, file, match)
    if (matching === 0) continue
    if (rewrite) {
      await noteErased(forgetting, set, file, match, { rows, matching })
      await eraseFromFile(duck, file, match)
    }
    const note = rewrite ? '' : 'A training set is kept as it was: --rewrite-training-sets rewrites it.'
    places.push({ place: 'training set', name: path, files: [path], before: matching, after: rewrite ? 0 : matching, note, known: true })
  }
  return places
}

/** A training set as a file of rows; null where it is none. */
export function rowFileOf(path: string): RowFile | null {
  const format = /\.(parquet|csv|ndjson)$/.exec(path)?.[1] as RowFile['format'] | undefined
  return format === undefined ? null : { path, format }
}

/** Manifest and record say how many rows a training set has once these are erased. First, as nobody would say it after a kill. */
async function noteErased(
  { duck, registry, clock }: Forgetting,
  { id, path }: TrainingSetRecord,
  file: RowFile,
  match: RowMatch,
  { rows, matching }: { readonly rows: number; readonly matching: number },
): Promise<void> {
  const left = rows - matching
  const erased: ErasedRows = { rows: matching, at: formatMoment(clock.now()) }
  await registry.trainingSets.erased(id, left, erased)
  const manifest = await readManifest(path)
  if (manifest === null || manifest.rows === left) return
  const nulls = await nullsOf(duck, file, match, manifest)
  await replaceFile(`${path}.manifest.json`, { ...manifest, rows: left, nulls, erased: [...(manifest.erased ?? []), erased] })
}

/** The shares of nulls in the rows that do not match. */
async function nullsOf(duck: Duck, { path, format }: RowFile, match: RowMatch, { nulls }: TrainingSetManifest): Promise<typeof nulls> {
  if (format === 'ndjson') return nulls
  const from =
    format === 'parquet'
      ? `read_parquet(${exactPath(path)}, hive_partitioning = false)`
      : `read_csv(${exactPath(path)}, header = true, delim = ',', quote = '"', escape = '"', all_varchar = true, allow_quoted_nulls = false, hive_partitioning = false)`
  const described = await duck.rows(`DESCRIBE SELECT * FROM ${from}`)
  const types = new Map(described.map(({ column_name, column_type }) => [column_name as string, column_type as string]))
  const names = Object.keys(nulls).filter((name) => types.has(name))
  if (names.length === 0) return nulls
  const shares = names.map((name) => `coalesce(1 - count(${quoteIdentifier(name)}) / count(*), 0)::DOUBLE AS ${quoteIdentifier(name)}`)
  const [found] = await duck.rows(`SELECT ${shares.join(', ')} FROM ${from} WHERE (${matchSql(match, types) ?? 'false'}) IS NOT TRUE`)
  return { ...nulls, ...(found as typeof nulls) }
}

/** Null where there is none, or where it is none. */
async function readManifest(path: string): Promise<TrainingSetManifest | null> {
  try {
    const found = JSON.parse(await readFile(`${path}.manifest.json`, 'utf8')) as TrainingSetManifest
    return typeof found.rows === 'number' ? found : null
  } catch {
    return null
  }
}

async function replaceFile(path: string, value: unknown): Promise<void> {
  const written = `${path}.${randomBytes(4).toString('hex')}.erasing`
  try {
    {
      await using file = await open(written, 'w')
      await file.writeFile(`${JSON.stringify(value, null, 2)}\n`)
      await file.sync()
    }
    await rename(written, path)
  } finally {
    await rm(written, { force: true })
  }
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )
