import { setImmediate as nextTurn } from 'node:timers/promises'
import type { AnyView, FeatureGroupData } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import type { OnlineStore } from '../online/index.ts'
import { type Answer, checkOnlineMeta, type Keys, type LiveSource, onlineTable, type ReadOptions, ViewReader } from '../serving/index.ts'

/** What is read of a view: entity rows, and the values that their callers give. */
export interface OnlineRequest extends ReadOptions {
  readonly rows: readonly Keys[]
  /** Of each row, or one for all. */
  readonly requests?: readonly Keys[]
  /** Microseconds. */
  readonly moment: number
  /** Only these features, in this order; all by default. */
  readonly features?: readonly string[]
}

interface StoredCheck {
  at: number
  refused: LockstepError | null
}

/** Milliseconds between two looks at whose rows are stored. */
const checkEvery = 500

/** Choices of features of a view for which plans are kept. */
const keptChoices = 100

/** Reads of views from the online store, each planned once. */
export class OnlineReads {
  readonly #store: () => Promise<OnlineStore>
  readonly #live: LiveSource
  readonly #readers = new Map<AnyView, Map<string, ViewReader>>()
  readonly #checks = new Map<AnyView, StoredCheck>()

  constructor(store: () => Promise<OnlineStore>, live: LiveSource) {
    this.#store = store
    this.#live = live
  }

  /** The reader of a view, or of some of its features. Throws `DEFINITION_MISMATCH` or `UNKNOWN_NAME`. */
  reader(view: AnyView, features?: readonly string[]): ViewReader | Promise<ViewReader> {
    return this.#readers.get(view)?.get(features?.join(' ') ?? '') ?? this.#open(view, features)
  }

  /** Throws as `ViewReader.answer`, and `DEFINITION_MISMATCH`. */
  async answer(view: AnyView, request: OnlineRequest): Promise<Answer> {
    const { rows, requests = [{}], moment, features } = request
    if (requests.length !== 1 && requests.length !== rows.length) throw unequalRequests(requests.length, rows.length)
    const reader = this.reader(view, features)
    this.#refuseOthers(view)
    return await (reader instanceof ViewReader ? reader : await reader).answer(rows, requests, moment, request)
  }

  /**
   * Throws `DEFINITION_MISMATCH` where rows were replaced by those of another definition while they are being served. That is looked
   * for now and then, beside the reads.
   */
  #refuseOthers(view: AnyView): void {
    const check = this.#checks.get(view) ?? { at: performance.now(), refused: null }
    this.#checks.set(view, check)
    if (performance.now() - check.at > checkEvery) {
      check.at = performance.now()
      void this.checkStored(view).then(
        () => {
          check.refused = null
        },
        (error: unknown) => {
          if (error instanceof LockstepError && error.code === 'DEFINITION_MISMATCH') check.refused = error
        },
      )
    }
    if (check.refused) throw check.refused
  }

  /** Throws `DEFINITION_MISMATCH`. */
  async checkStored(view: AnyView): Promise<void> {
    await (await this.reader(view)).check()
  }

  /** Throws `DEFINITION_MISMATCH`. */
  async checkGroups(groups: Iterable<FeatureGroupData>): Promise<void> {
    const store = await this.#store()
    for (const group of groups) checkOnlineMeta(group, await store.readMeta(onlineTable(group)))
  }

  /** Plans the reads of views before they are asked for, with reads of others in between. Throws `DEFINITION_MISMATCH`. */
  async open(views: readonly AnyView[]): Promise<void> {
    for (const view of views) {
      await this.reader(view)
      await nextTurn()
    }
  }

  /** Forgets all other views. */
  keep(views: readonly AnyView[]): void {
    const kept = new Set(views)
    for (const known of [this.#readers, this.#checks]) for (const view of known.keys()) if (!kept.has(view)) known.delete(view)
  }

  /** What is stored may be of other definitions now. */
  forget(): void {
    this.#readers.clear()
    this.#checks.clear()
  }

  async #open(view: AnyView, features: readonly string[] | undefined): Promise<ViewReader> {
    const reader = await ViewReader.open(view, await this.#store(), {
      live: this.#live,
      objectives: true,
      ...(features ? { features } : {}),
    })
    const readers = this.#readers.get(view) ?? new Map<string, ViewReader>()
    if (readers.size >= keptChoices) readers.delete([...readers.keys()].find((choice) => choice !== '') as string)
    this.#readers.set(view, readers.set(features?.join(' ') ?? '', reader))
    return reader
  }
}

export const unequalRequests = (requests: number, rows: number): LockstepError =>
  new LockstepError('INVALID_ARGUMENT', `There are ${requests} requests for ${rows} rows`, {
    where: 'requests',
    remedy: 'Give one for all rows, or one for each.',
  })
