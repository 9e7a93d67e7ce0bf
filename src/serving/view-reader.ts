import type { AnyView } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { canonicalJson } from '../lib/canonical-json.ts'
import type { OnlineRead, OnlineStore, OnlineValues } from '../online/index.ts'
import { isStreamed, type NamedValue, pickFeatures, planView, type ViewPlan } from '../plan/index.ts'
import { type Cell, toCell } from '../schema/index.ts'
import { Answer, statusCode } from './answer.ts'
import { type GroupReader, groupReader, type LiveSource, type OutputPlace } from './group-reader.ts'
import { checkKeyNames, type Keys, keyPacker } from './key-packer.ts'
import { OnDemandRun, type StepInputs } from './on-demand-run.ts'
import { checkOnlineMeta, onlineTable, recentTable } from './online-table.ts'
import type { Vector } from './vector.ts'
import { vectorMaker } from './vector-maker.ts'

/** A use of a group, ready to read: its table, the packer of its keys by place, and what unpacks its rows. */
interface UseReader {
  readonly table: string
  /** Of a group that a stream keeps up to date: where in a multi-get its recent rows are; else -1. */
  readonly recent: number
  readonly packer: number
  readonly reader: GroupReader
  /** Microseconds: the freshness objective of the group. */
  readonly freshness: number
  /** The features of the answer that come from it. */
  readonly output: readonly OutputPlace[]
}

/** Packs the key columns of some uses of groups. */
interface Packer {
  readonly names: readonly string[]
  readonly pack: (row: Keys, shared: Keys) => Uint8Array
}

export interface ViewReaderOptions {
  /** Finds keys whose state is in this process. */
  readonly live?: LiveSource
  /** Only these features, in this order. */
  readonly features?: readonly string[]
  /** Whether the freshness objectives of groups count; they do in serving, and not where values are compared with history. */
  readonly objectives?: boolean
}

export interface ReadOptions {
  /** Keys that all rows have; a row may have others. What is shared by all rows is read once. */
  readonly shared?: Keys
  /** Microseconds: what was stored longer before the moment is not given, but STALE. Rows of tables by their time, events by the run that wrote them. */
  readonly maxStaleness?: number
  /** When `performance.now()` is past this, what is not there yet is TIME_OUT. */
  readonly deadline?: number
  /** Milliseconds that on-demand code may take, for all rows of a read; what it has not computed then is TIME_OUT. No limit by default. */
  readonly onDemandLimit?: number
  /** Whether on-demand code that throws fails the read, which is the default, or marks its features as FAILED. */
  readonly onDemandErrors?: 'fail' | 'mark'
  /** Whether a store that is down fails the read, which is the default, or marks all features as FAILED. */
  readonly storeErrors?: 'fail' | 'mark'
}

/**
 * Reads vectors of one view from an online store: one multi-get for all groups and rows, rows decoded straight into the answer,
 * on-demand code run in order of dependency. Planned once; not for use by two callers within one turn of the event loop,
 * which cannot happen, as it never waits while it computes.
 */
export class ViewReader {
  readonly plan: ViewPlan
  readonly #store: OnlineStore
  readonly #uses: readonly UseReader[]
  /** What a multi-get reads: the rows of the uses, and behind them the recent ones. */
  readonly #tables: readonly Pick<UseReader, 'table' | 'packer'>[]
  /** One for all uses of the same keys. */
  readonly #packers: readonly Packer[]
  readonly #onDemand: OnDemandRun | null
  readonly #hasDefaults: boolean
  /** Of each use, whether what its reader holds is older than the read allows. */
  readonly #tooOld: boolean[] = []
  readonly #vectors: (answer: Answer) => Vector[]

  private constructor(view: AnyView, store: OnlineStore, { live, features, objectives = false }: ViewReaderOptions) {
    const whole = planView(view)
    this.plan = features ? pickFeatures(whole, features) : whole
    this.#store = store
    const keySets = new Map(this.plan.uses.map(({ keys }) => [canonicalJson(keys), keys]))
    const places = [...keySets.keys()]
    this.#packers = [...keySets.values()].map((keys) => ({ names: keys.map(({ name }) => name), pack: keyPacker(view, keys) }))
    const { uses, steps, output } = this.plan
    const streamed = uses.filter(({ plan }) => isStreamed(plan.group))
    this.#uses = uses.map((use, index) => {
      const isOfUse = ({ source }: NamedValue) => source.from === 'group' && source.use === index
      const ofUse = output.flatMap((value, place) => (isOfUse(value) ? [{ place, feature: value.source.feature }] : []))
      const isReadOnDemand = steps.some(({ known }) => known.some(isOfUse))
      return {
        table: onlineTable(use.plan.group),
        recent: streamed.includes(use) ? uses.length + streamed.indexOf(use) : -1,
        packer: places.indexOf(canonicalJson(use.keys)),
        reader: groupReader(use.plan, isReadOnDemand ? null : ofUse, live),
        freshness: (objectives ? use.plan.group.freshness : null) ?? Number.POSITIVE_INFINITY,
        output: ofUse,
      }
    })
    const recent = streamed.map((use) => ({ table: recentTable(use.plan.group), packer: places.indexOf(canonicalJson(use.keys)) }))
    this.#tables = [...this.#uses, ...recent]
    this.#onDemand = this.plan.steps.length > 0 ? new OnDemandRun(this.plan) : null
    this.#hasDefaults = output.some((one) => one.default !== null)
    this.#vectors = vectorMaker(this.plan)
  }

  /** Plans the reads of a view. Throws `DEFINITION_MISMATCH` where a group was written by another definition. */
  static async open(view: AnyView, store: OnlineStore, options: ViewReaderOptions = {}): Promise<ViewReader> {
    const reader = new ViewReader(view, store, options)
    await reader.check()
    return reader
  }

  /** Throws `DEFINITION_MISMATCH` where a group was written by another definition since. */
  async check(): Promise<void> {
    for (const { plan } of this.plan.uses) checkOnlineMeta(plan.group, await this.#store.readMeta(onlineTable(plan.group)))
  }

  /**
   * The vectors of entity rows as of a moment (microseconds), in their order. `requests`: the request values of each row,
   * or one for all. Throws `MISSING_KEY`, `INVALID_VALUE`, `READ_BEFORE_STATE` or `ON_DEMAND_FAILED`.
   */
  async read(rows: readonly Keys[], requests: readonly Keys[], moment: number): Promise<Vector[]> {
    return this.#vectors(await this.answer(rows, requests, moment))
  }

  /** As `read`, without waiting, of a store in the process. */
  readSync(rows: readonly Keys[], requests: readonly Keys[], moment: number): Vector[] {
    if (!this.#store.readSync)
      throw new LockstepError('INVALID_ARGUMENT', `The online store ${this.#store.name} cannot be read without waiting`)
    const reads = this.#reads(rows, {})
    return this.#vectors(this.#assemble(rows.length, reads, this.#store.readSync(reads), requests, moment, {}))
  }

  /** As `read`, as cells, within the limits of the options. */
  async answer(rows: readonly Keys[], requests: readonly Keys[], moment: number, options: ReadOptions = {}): Promise<Answer> {
    const reads = this.#reads(rows, options.shared ?? {})
    const started = performance.now()
    try {
      const stored = this.#store.readSync ? this.#store.readSync(reads) : await beforeDeadline(this.#store.read(reads), options.deadline)
      const storeTime = performance.now() - started
      const answer = this.#assemble(rows.length, reads, stored, requests, moment, options)
      answer.storeTime = storeTime
      return answer
    } catch (error) {
      const isDown = error instanceof LockstepError && error.code === 'STORE_UNAVAILABLE'
      if (options.storeErrors !== 'mark' || !isDown) throw error
      const answer = new Answer(this.plan, rows.length, moment)
      answer.fail(error)
      answer.applyDefaults()
      return answer
    }
  }

  /** Keys that all rows share are packed and read once. */
  #reads(rows: readonly Keys[], shared: Keys): OnlineRead[] {
    checkKeyNames(this.plan.view, shared)
    inRow(rows, (row) => checkKeyNames(this.plan.view, row))
    const packed = this.#packers.map(({ names, pack }) =>
      names.every((name) => shared[name] !== undefined && !rows.some((row) => row[name] !== undefined))
        ? [pack(shared, shared)]
        : inRow(rows, (row) => pack(row, shared)),
    )
    return this.#tables.map(({ table, packer }) => ({ table, keys: packed[packer] as Uint8Array[] }))
  }

  #assemble(
    rows: number,
    reads: readonly OnlineRead[],
    stored: readonly OnlineValues[] | null,
    requests: readonly Keys[],
    moment: number,
    options: ReadOptions,
  ): Answer {
    const answer = new Answer(this.plan, rows, moment)
    if (stored) {
      const inputs = this.#fill(answer, reads, stored, requests, options)
      if (this.#onDemand) this.#onDemand.run(answer, inputs, options)
    }
    if (this.#hasDefaults) answer.applyDefaults()
    return answer
  }

  /** Puts what is stored into the answer, until the deadline; what on-demand code needs of each row that it came to. */
  #fill(
    answer: Answer,
    reads: readonly OnlineRead[],
    stored: readonly OnlineValues[],
    requests: readonly Keys[],
    options: ReadOptions,
  ): StepInputs[] {
    const { deadline } = options
    const inputs: StepInputs[] = []
    for (let row = 0; row < answer.rows; row++) {
      if (deadline !== undefined && performance.now() > deadline) break
      for (let use = 0; use < this.#uses.length; use++) this.#fillUse(answer, row, use, reads, stored, options)
      if (this.#onDemand) inputs.push(this.#stepInputs(requests[requests.length === 1 ? 0 : row] ?? {}))
    }
    return inputs
  }

  #fillUse(
    answer: Answer,
    row: number,
    use: number,
    reads: readonly OnlineRead[],
    stored: readonly OnlineValues[],
    { maxStaleness = Number.POSITIVE_INFINITY }: ReadOptions,
  ): void {
    const { reader, recent, output, freshness } = this.#uses[use] as UseReader
    const { keys } = reads[use] as OnlineRead
    const { cells, statuses, eventTimes, moment } = answer
    const first = row * this.plan.output.length
    if (row > 0 && keys.length === 1) {
      // Of all rows the same, as the reader left it.
      for (const { place } of output) {
        cells[first + place] = cells[place] as Cell
        statuses[first + place] = statuses[place] as number
      }
      eventTimes[row * this.#uses.length + use] = eventTimes[use] as number
      return
    }
    const at = keys.length === 1 ? 0 : row
    const recentRow = recent < 0 ? null : (stored[recent]?.[at] ?? null)
    reader.load(keys[at] as Uint8Array, stored[use]?.[at] ?? null, recentRow, moment, cells, first)
    const tooOld = reader.toldUntil !== null && moment - reader.toldUntil > Math.min(maxStaleness, freshness)
    this.#tooOld[use] = tooOld
    const status = statusCode[tooOld ? 'STALE' : reader.status]
    const ofNull = status === statusCode.PRESENT ? statusCode.NULL : status
    eventTimes[row * this.#uses.length + use] = reader.eventTime ?? Number.NaN
    if (tooOld || !reader.inPlace) {
      for (const { place, feature } of output) cells[first + place] = tooOld ? null : reader.value(feature)
    }
    for (const { place } of output) statuses[first + place] = cells[first + place] === null ? ofNull : status
  }

  /** Of the row that the readers hold now. */
  #stepInputs(request: Keys): StepInputs {
    return this.plan.steps.map((step) => ({
      given: step.request.map(({ name, type }) => toCell(type, request[name], `request value ${name}`)),
      known: step.known.map(({ source }) =>
        source.from === 'group' ? (this.#uses[source.use] as UseReader).reader.value(source.feature) : null,
      ),
      tooOld: step.known.some(({ source }) => source.from === 'group' && this.#tooOld[source.use] === true),
    }))
  }
}

/** Does something for each row; an error says which one, where there are several. Rows count from 0. */
function inRow<T>(rows: readonly Keys[], work: (row: Keys) => T): T[] {
  return rows.map((row, index) => {
    try {
      return work(row)
    } catch (error) {
      if (rows.length === 1 || !(error instanceof LockstepError)) throw error
      const where = error.where === '' ? `row ${index}` : `row ${index}, ${error.where}`
      throw new LockstepError(error.code, error.bareMessage, { where, remedy: error.remedy, cause: error })
    }
  })
}

/** Null where it takes longer. What is read later is dropped, an error of it too. */
async function beforeDeadline<T>(read: Promise<T>, deadline: number | undefined): Promise<T | null> {
  if (deadline === undefined) return await read
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), Math.max(0, deadline - performance.now()))
  })
  read.catch(() => {})
  try {
    return await Promise.race([read, late])
  } finally {
    clearTimeout(timer)
  }
}
