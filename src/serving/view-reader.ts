import type { AnyView } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { canonicalJson } from '../lib/canonical-json.ts'
import { formatMoment } from '../lib/moment.ts'
import type { OnlineRead, OnlineStore, OnlineValues } from '../online/index.ts'
import { isStreamed, planView, runStep, type ViewPlan } from '../plan/index.ts'
import { type Cell, fromCell, toCell } from '../schema/index.ts'
import { type GroupReader, groupReader, type LiveSource } from './group-reader.ts'
import { checkKeyNames, type Keys, keyPacker } from './key-packer.ts'
import { namedValues } from './named-values.ts'
import { checkOnlineMeta, onlineTable, recentTable } from './online-table.ts'
import type { FeatureState, Vector } from './vector.ts'

/** A use of a group, ready to read: its table, the packer of its keys by place, and what unpacks its rows. */
interface UseReader {
  readonly table: string
  /** Of a group that a stream keeps up to date: where in a multi-get its recent rows are; else -1. */
  readonly recent: number
  readonly packer: number
  readonly reader: GroupReader
}

export interface ViewReaderOptions {
  /** Finds keys whose state is in this process. */
  readonly live?: LiveSource
}

/**
 * Reads vectors of one view from an online store: one multi-get for all groups and rows, rows decoded as they are used,
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
  readonly #packers: readonly ((row: Keys) => Uint8Array)[]

  readonly #nameValues: (values: readonly unknown[]) => Record<string, unknown>
  readonly #nameStates: (states: readonly FeatureState[]) => Record<string, FeatureState>

  private constructor(view: AnyView, store: OnlineStore, { live }: ViewReaderOptions) {
    this.plan = planView(view)
    this.#store = store
    const names = this.plan.output.map(({ name }) => name)
    this.#nameValues = namedValues(names)
    this.#nameStates = namedValues(names)
    const keySets = new Map(this.plan.uses.map(({ keys }) => [canonicalJson(keys), keys]))
    const places = [...keySets.keys()]
    this.#packers = [...keySets.values()].map((keys) => keyPacker(view, keys))
    const { uses } = this.plan
    const streamed = uses.filter(({ plan }) => isStreamed(plan.group))
    this.#uses = uses.map((use) => ({
      table: onlineTable(use.plan.group),
      recent: streamed.includes(use) ? uses.length + streamed.indexOf(use) : -1,
      packer: places.indexOf(canonicalJson(use.keys)),
      reader: groupReader(use.plan, live),
    }))
    const recent = streamed.map((use) => ({ table: recentTable(use.plan.group), packer: places.indexOf(canonicalJson(use.keys)) }))
    this.#tables = [...this.#uses, ...recent]
  }

  /** Plans the reads of a view. Throws `DEFINITION_MISMATCH` where a group was written by another definition. */
  static async open(view: AnyView, store: OnlineStore, options: ViewReaderOptions = {}): Promise<ViewReader> {
    const reader = new ViewReader(view, store, options)
    for (const { plan } of reader.plan.uses) checkOnlineMeta(plan.group, await store.readMeta(onlineTable(plan.group)))
    return reader
  }

  /**
   * The vectors of entity rows as of a moment (microseconds), in their order. `requests`: the request values of each row,
   * or one for all. Throws `MISSING_KEY`, `INVALID_VALUE`, `READ_BEFORE_STATE` or `ON_DEMAND_FAILED`.
   */
  async read(rows: readonly Keys[], requests: readonly Keys[], moment: number): Promise<Vector[]> {
    const reads = this.#reads(rows)
    const stored = this.#store.readSync ? this.#store.readSync(reads) : await this.#store.read(reads)
    return this.#assemble(rows, reads, requests, moment, stored)
  }

  /** As `read`, without waiting, of a store in the process. */
  readSync(rows: readonly Keys[], requests: readonly Keys[], moment: number): Vector[] {
    if (!this.#store.readSync)
      throw new LockstepError('INVALID_ARGUMENT', `The online store ${this.#store.name} cannot be read without waiting`)
    const reads = this.#reads(rows)
    return this.#assemble(rows, reads, requests, moment, this.#store.readSync(reads))
  }

  #reads(rows: readonly Keys[]): OnlineRead[] {
    for (const row of rows) checkKeyNames(this.plan.view, row)
    const packed = this.#packers.map((pack) => rows.map(pack))
    return this.#tables.map(({ table, packer }) => ({ table, keys: packed[packer] as Uint8Array[] }))
  }

  #assemble(
    rows: readonly Keys[],
    reads: readonly OnlineRead[],
    requests: readonly Keys[],
    moment: number,
    stored: readonly OnlineValues[],
  ): Vector[] {
    const asOf = formatMoment(moment)
    return rows.map((_, row) => {
      for (let use = 0; use < this.#uses.length; use++) {
        const { reader, recent } = this.#uses[use] as UseReader
        const key = (reads[use] as OnlineRead).keys[row] as Uint8Array
        reader.load(key, stored[use]?.[row] ?? null, recent < 0 ? null : (stored[recent]?.[row] ?? null), moment)
      }
      return this.#vector(requests[requests.length === 1 ? 0 : row] ?? {}, asOf)
    })
  }

  #vector(request: Keys, asOf: string): Vector {
    const { steps, output } = this.plan
    const computed: Cell[][] = []
    for (const step of steps) {
      const given = step.request.map(({ name, type }) => toCell(type, request[name], `request value ${name}`))
      const known = step.known.map(({ source }) =>
        source.from === 'step'
          ? ((computed[source.step] as Cell[])[source.feature] as Cell)
          : this.#reader(source.use).value(source.feature),
      )
      computed.push(runStep(step, known, given))
    }
    const values: unknown[] = []
    const states: FeatureState[] = []
    for (const { type, source } of output) {
      if (source.from === 'step') {
        const cell = (computed[source.step] as Cell[])[source.feature] as Cell
        values.push(fromCell(type, cell))
        states.push({ status: cell === null ? 'NULL' : 'PRESENT', eventTime: null })
      } else {
        const reader = this.#reader(source.use)
        const cell = reader.value(source.feature)
        values.push(fromCell(type, cell))
        states.push(reader.state(cell))
      }
    }
    return { values: this.#nameValues(values), features: this.#nameStates(states), asOf }
  }

  #reader(use: number): GroupReader {
    return (this.#uses[use] as UseReader).reader
  }
}
