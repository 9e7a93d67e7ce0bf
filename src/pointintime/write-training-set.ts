import { access, mkdir, open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { LockstepError } from '../errors.ts'
import { clearAbandoned, temporaryName } from '../lib/temporary-names.ts'
import { type Duck, quoteIdentifier, quoteLiteral } from '../offline/index.ts'
import { Interrupt } from './context.ts'
import type { Split } from './split.ts'
import type { TrainingColumn } from './training-set.ts'

export type TrainingFormat = 'parquet' | 'csv' | 'arrow'

export interface WriteOptions {
  /** By the ending of the path where not given; `.arrow` is the Arrow IPC stream format. */
  readonly format?: TrainingFormat
  /** Replace what is there. */
  readonly overwrite?: boolean
  readonly signal?: AbortSignal
}

/** What is needed to make a training set again, and to compare it. Written beside it as `<path>.manifest.json`. */
export interface TrainingSetManifest {
  readonly view: { readonly name: string; readonly version: number; readonly hash: string }
  readonly groups: readonly { readonly name: string; readonly version: number; readonly hash: string }[]
  readonly onDemand: readonly { readonly name: string; readonly version: number; readonly hash: string }[]
  readonly labels: { readonly rows: number; readonly hash: string }
  readonly asKnown: boolean
  readonly split: Split | null
  readonly rows: number
  /** How many values of each feature are null, as a share of the rows. */
  readonly nulls: Readonly<Record<string, number>>
  readonly sources: readonly { readonly name: string; readonly rows: number; readonly setAside: number }[]
  /** When it was made, ISO 8601. */
  readonly created: string
  /** Rows of subjects that were erased since; `rows` and `nulls` are those of what is left, `labels` of what it was made from. */
  readonly erased?: readonly { readonly rows: number; readonly at: string }[]
}

/** The format in which a training set is written. Throws before any work: `INVALID_ARGUMENT` where it is not clear, `OUTPUT_EXISTS`. */
export async function outputFormat(path: string, options: WriteOptions = {}): Promise<TrainingFormat> {
  const format = options.format ?? formatOf(path)
  if (!options.overwrite && (await exists(path))) throw new LockstepError('OUTPUT_EXISTS', `${path} is already there`)
  return format
}

export async function writeTrainingSet(
  duck: Duck,
  select: string,
  columns: readonly TrainingColumn[],
  about: Omit<TrainingSetManifest, 'nulls' | 'created'>,
  path: string,
  options: WriteOptions,
): Promise<TrainingSetManifest> {
  const format = await outputFormat(path, options)
  const folder = dirname(path)
  await mkdir(folder, { recursive: true })
  await clearAbandoned(folder, `.${basename(path)}.`)
  const partial = join(folder, `${temporaryName(`.${basename(path)}.`)}.partial`)
  const interrupt = new Interrupt(options.signal)
  interrupt.stage(`writing ${path}`)
  const stop = () => duck.interrupt()
  options.signal?.addEventListener('abort', stop)
  try {
    interrupt.check()
    if (format === 'arrow') await (await import('./write-arrow.ts')).writeArrow(duck, select, partial)
    else
      await duck.run(
        `COPY (${select}) TO ${quoteLiteral(partial)} (${format === 'csv' ? 'FORMAT csv, HEADER' : 'FORMAT parquet, COMPRESSION snappy'})`,
      )
    const manifest: TrainingSetManifest = {
      ...about,
      nulls: await nullShares(duck, select, columns, about.rows),
      created: new Date().toISOString(),
    }
    const partialManifest = `${partial}.manifest.json`
    await writeDurably(partialManifest, `${JSON.stringify(manifest, null, 2)}\n`)
    await flush(partial)
    interrupt.check()
    // The manifest first: where a training set is there, so is its manifest.
    await rename(partialManifest, `${path}.manifest.json`)
    await rename(partial, path)
    return manifest
  } finally {
    options.signal?.removeEventListener('abort', stop)
    await rm(partial, { force: true })
    await rm(`${partial}.manifest.json`, { force: true })
  }
}

function formatOf(path: string): TrainingFormat {
  if (path.endsWith('.parquet')) return 'parquet'
  if (path.endsWith('.csv')) return 'csv'
  if (path.endsWith('.arrow') || path.endsWith('.arrows')) return 'arrow'
  throw new LockstepError('INVALID_ARGUMENT', `The format of ${path} is not clear`, {
    remedy: 'End it in .parquet, .csv or .arrow, or name the format.',
  })
}

async function nullShares(duck: Duck, select: string, columns: readonly TrainingColumn[], rows: number): Promise<Record<string, number>> {
  const features = columns.filter(({ type }) => type !== null)
  if (features.length === 0) return {}
  const counts = features.map(({ name }) => `count(${quoteIdentifier(name)})::DOUBLE AS ${quoteIdentifier(name)}`).join(', ')
  const [row] = await duck.rows(`SELECT ${counts} FROM (${select})`)
  return Object.fromEntries(features.map(({ name }) => [name, rows === 0 ? 0 : 1 - (row?.[name] as number) / rows]))
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  )
}

async function writeDurably(path: string, text: string): Promise<void> {
  await using file = await open(path, 'w')
  await file.writeFile(text)
  await file.sync()
}

async function flush(path: string): Promise<void> {
  await using file = await open(path, 'r+')
  await file.sync()
}
