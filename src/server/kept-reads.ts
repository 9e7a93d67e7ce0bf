import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LockstepError } from '../errors.ts'
import type { Clock } from '../lib/clock.ts'
import type { ReadRecord } from '../monitoring/index.ts'
import { type Cell, fromCell, type TypeData } from '../schema/index.ts'
import { plainJson } from './exact-values.ts'

/** A read as it was answered, for explanations of it. Moments in microseconds, values as JSON holds them. */
export interface KeptRead {
  readonly id: string
  readonly view: string
  readonly version: number
  readonly hash: string
  readonly caller: string
  readonly model: string
  readonly store: string
  readonly moment: number
  readonly knownAt: number
  readonly features: readonly string[]
  readonly groups: readonly string[]
  readonly rows: readonly {
    readonly keys: Readonly<Record<string, unknown>>
    readonly request: Readonly<Record<string, unknown>>
    readonly values: readonly unknown[]
    readonly statuses: readonly string[]
  }[]
}

export interface KeptReadsOptions {
  /** Where they lie; every process of the server has them. */
  readonly folder: string
  /** The share of reads that is kept, 0 to 1; those that ask for it always are. */
  readonly share: number
  /** Microseconds for which they are kept. */
  readonly keep: number
  /** Most rows of a read that are kept. */
  readonly rows: number
  readonly clock: Clock
}

const idForm = /^r[0-9a-f]{10}-[0-9a-z]{1,12}$/
const readFileName = /^(r[0-9a-f]{10}-[0-9a-z]{1,12})\.json$/

/** Beyond so many writes at a time only what asks for it is kept. */
const mostWriting = 64

/** A sample of reads, a file each, that are removed when their time is over. */
export class KeptReads {
  readonly #options: KeptReadsOptions
  readonly #prefix = `r${randomBytes(5).toString('hex')}-`
  #count = 0
  /** Writes under way. */
  #writing = 0
  #swept = 0

  constructor(options: KeptReadsOptions) {
    this.#options = options
  }

  /** A read id, as no other process gives. */
  nextId(): string {
    return this.#prefix + (this.#count++).toString(36)
  }

  /** Whether a read is of the sample. None is while many are being written. */
  chosen(): boolean {
    return this.#options.share > 0 && this.#writing < mostWriting && Math.random() < this.#options.share
  }

  /** Keeps a read. It is there when this resolves. */
  async keep(record: ReadRecord, view: { readonly hash: string; readonly store: string }): Promise<void> {
    this.#writing++
    try {
      const { folder } = this.#options
      const path = join(folder, `${record.id}.json`)
      await mkdir(folder, { recursive: true })
      await writeFile(`${path}.partial`, JSON.stringify(this.#kept(record, view), plainJson), { mode: 0o600 })
      await rename(`${path}.partial`, path)
      // Nobody waits for it; what it leaves, it removes the next time.
      void this.#sweep().catch(() => {})
    } finally {
      this.#writing--
    }
  }

  /** Throws `UNKNOWN_READ`. */
  async find(id: string): Promise<KeptRead> {
    const unknown = new LockstepError('UNKNOWN_READ', `No read ${JSON.stringify(id.slice(0, 60))} is kept`)
    if (!idForm.test(id)) throw unknown
    const text = await readFile(join(this.#options.folder, `${id}.json`), 'utf8').catch(() => null)
    if (text === null) throw unknown
    const read = JSON.parse(text) as KeptRead
    if (this.#options.clock.now() - read.knownAt > this.#options.keep) throw unknown
    return read
  }

  #kept(record: ReadRecord, { hash, store }: { readonly hash: string; readonly store: string }): KeptRead {
    const { id, view, version, caller, model, moment, knownAt, features, types, groups, keys, requests } = record
    const rows = keys.slice(0, this.#options.rows).map((key, row) => ({
      keys: key,
      request: requests[requests.length === 1 ? 0 : row] ?? {},
      values: features.map((_, feature) => fromCell(types[feature] as TypeData, record.cell(row, feature) as Cell)),
      statuses: features.map((_, feature) => record.status(row, feature)),
    }))
    return { id, view, version, hash, caller, model, store, moment, knownAt, features, groups, rows }
  }

  /** Removes, now and then, what is older than is kept. */
  async #sweep(): Promise<void> {
    const { folder, keep, clock } = this.#options
    if (clock.now() - this.#swept < keep / 10) return
    this.#swept = clock.now()
    for (const name of await readdir(folder)) {
      if (!readFileName.test(name) && !name.endsWith('.partial')) continue
      const path = join(folder, name)
      const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }))
      if (clock.now() - mtimeMs * 1000 > keep) await rm(path, { force: true })
    }
  }
}
