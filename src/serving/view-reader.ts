import type { AnyView } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { ByteWriter } from '../lib/bytes.ts'
import { formatMoment } from '../lib/moment.ts'
import { suggestion } from '../lib/suggestion.ts'
import type { OnlineRead, OnlineStore, OnlineValues } from '../online/index.ts'
import { type GroupUse, planView, runStep, type ViewPlan } from '../plan/index.ts'
import { type Cell, fromCell, keyEncoder, type TypeData, toCell } from '../schema/index.ts'
import { type GroupReader, groupReader } from './group-reader.ts'
import { checkOnlineMeta, onlineTable } from './online-table.ts'
import type { FeatureState, FeatureStatus, Vector } from './vector.ts'

type Keys = Readonly<Record<string, unknown>>

/** A use of a group, ready to read: how its keys are packed and its rows unpacked. */
interface UseReader {
  readonly table: string
  readonly key: (keys: Keys) => Uint8Array
  readonly reader: GroupReader
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

  private constructor(view: AnyView, store: OnlineStore) {
    this.plan = planView(view)
    this.#store = store
    this.#uses = this.plan.uses.map((use) => ({
      table: onlineTable(use.plan.group),
      key: keyPacker(view, use),
      reader: groupReader(use.plan),
    }))
  }

  /** Plans the reads of a view. Throws `DEFINITION_MISMATCH` where a group was written by another definition. */
  static async open(view: AnyView, store: OnlineStore): Promise<ViewReader> {
    const reader = new ViewReader(view, store)
    for (const { plan } of reader.plan.uses) checkOnlineMeta(plan.group, await store.readMeta(onlineTable(plan.group)))
    return reader
  }

  /**
   * The vectors of entity rows as of a moment (microseconds), in their order. `requests`: the request values of each row,
   * or one for all. Throws `MISSING_KEY`, `INVALID_VALUE`, `READ_BEFORE_STATE` or `ON_DEMAND_FAILED`.
   */
  async read(rows: readonly Keys[], requests: readonly Keys[], moment: number): Promise<Vector[]> {
    const reads = this.#reads(rows)
    return this.#assemble(rows, requests, moment, this.#store.readSync ? this.#store.readSync(reads) : await this.#store.read(reads))
  }

  /** As `read`, without waiting, of a store in the process. */
  readSync(rows: readonly Keys[], requests: readonly Keys[], moment: number): Vector[] {
    if (!this.#store.readSync)
      throw new LockstepError('INVALID_ARGUMENT', `The online store ${this.#store.name} cannot be read without waiting`)
    return this.#assemble(rows, requests, moment, this.#store.readSync(this.#reads(rows)))
  }

  #reads(rows: readonly Keys[]): OnlineRead[] {
    return this.#uses.map(({ table, key }) => ({ table, keys: rows.map(key) }))
  }

  #assemble(rows: readonly Keys[], requests: readonly Keys[], moment: number, stored: readonly OnlineValues[]): Vector[] {
    const asOf = formatMoment(moment)
    return rows.map((_, row) => {
      this.#uses.forEach(({ reader }, use) => {
        reader.load(stored[use]?.[row] ?? null, moment)
      })
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
    const values: Record<string, unknown> = {}
    const features: Record<string, FeatureState> = {}
    for (const { name, type, source } of output) {
      if (source.from === 'step') {
        const cell = (computed[source.step] as Cell[])[source.feature] as Cell
        values[name] = fromCell(type, cell)
        features[name] = { status: cell === null ? 'NULL' : 'PRESENT', eventTime: null }
      } else {
        const reader = this.#reader(source.use)
        const cell = reader.value(source.feature)
        values[name] = fromCell(type, cell)
        features[name] = stateOf(reader, cell)
      }
    }
    return { values, features, asOf }
  }

  #reader(use: number): GroupReader {
    return (this.#uses[use] as UseReader).reader
  }
}

function stateOf({ status, eventTime }: GroupReader, cell: Cell): FeatureState {
  const shown: FeatureStatus = status === 'PRESENT' && cell === null ? 'NULL' : status
  return { status: shown, eventTime: eventTime === null ? null : formatMoment(eventTime) }
}

function keyPacker(view: AnyView, use: GroupUse): (keys: Keys) => Uint8Array {
  const encode = keyEncoder(use.keys.map(({ type }) => type))
  const writer = new ByteWriter()
  const allowed: Readonly<Record<string, TypeData>> = view.keys
  return (keys) => {
    for (const name in keys) {
      if (!(name in allowed))
        throw new LockstepError('UNKNOWN_NAME', `The view ${view.name} has no key ${name}${suggestion(name, Object.keys(allowed))}`)
    }
    writer.clear()
    encode(
      use.keys.map(({ name, type }) => {
        const value = keys[name]
        if (value === undefined || value === null)
          throw new LockstepError('MISSING_KEY', `The key ${name} of the view ${view.name} is missing`, {
            remedy: `Give ${Object.keys(allowed).join(', ')}.`,
          })
        return toCell(type, value, `key ${name}`)
      }),
      writer,
    )
    return writer.finish()
  }
}
