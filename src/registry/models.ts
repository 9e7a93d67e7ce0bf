import { LockstepError } from '../errors.ts'
import type { Clock } from '../lib/clock.ts'
import { formatMoment } from '../lib/moment.ts'
import type { Commit, Document, DocumentStore } from './documents.ts'
import { readDocument } from './read-document.ts'

/** A model as it was trained once. */
export interface ModelVersion {
  readonly version: number
  /** The id of the training set that it was trained with. */
  readonly trainingSet: string
  /** The view whose vectors it reads. */
  readonly view: { readonly name: string; readonly version: number }
  /** Where it reads it: there what it depends on is not removed. Missing of models that were registered before this was asked: everywhere. */
  readonly environments?: readonly string[]
  readonly owner: string
  readonly description: string
  /** ISO 8601, UTC. */
  readonly created: string
  readonly by: string
  /** Whether it is in use: what it depends on is not removed. */
  readonly live: boolean
}

export interface Model {
  readonly name: string
  /** The oldest first. */
  readonly versions: readonly ModelVersion[]
}

/** What belongs to the commit that changes a model, such as what the audit log is told of it. */
type Also<T> = (before: Model | null, after: T) => Pick<Commit, 'conditions' | 'puts'>

const table = 'models'
const name = /^[A-Za-z][\w.-]{0,99}$/

/** Which models were trained with which training sets. */
export class Models {
  readonly #documents: DocumentStore
  readonly #clock: Clock

  constructor(documents: DocumentStore, clock: Clock) {
    this.#documents = documents
    this.#clock = clock
  }

  /** Adds a version of a model, the first or the next. Throws `INVALID_ARGUMENT`, or `REGISTRY_CONFLICT` where another came first. */
  async register(
    model: string,
    version: Omit<ModelVersion, 'version' | 'created' | 'live'>,
    also: Also<ModelVersion> = () => ({}),
  ): Promise<ModelVersion> {
    if (!name.test(model))
      throw new LockstepError('INVALID_ARGUMENT', `${JSON.stringify(model)} is no name of a model`, {
        remedy: 'Begin with a letter; letters, digits, _, . and - may follow.',
      })
    return await this.#change(model, also, ({ versions }) => {
      const added = { ...version, version: (versions.at(-1)?.version ?? 0) + 1, created: formatMoment(this.#clock.now()), live: true }
      return { versions: [...versions, added], result: added }
    })
  }

  /** All models, in order of their names. */
  async list(): Promise<Model[]> {
    return (await this.#documents.list(table)).map(modelOf)
  }

  /** Says that a version of a model, or all of them, is in use no more. Throws `UNKNOWN_NAME`. */
  async retire(model: string, version?: number, also: Also<Model> = () => ({})): Promise<Model> {
    return await this.#change(model, also, ({ versions }) => {
      if (versions.length === 0 || (version !== undefined && !versions.some((one) => one.version === version)))
        throw new LockstepError('UNKNOWN_NAME', `There is no ${version === undefined ? '' : `version ${version} of the `}model ${model}`, {
          remedy: '`lockstep model list` shows all.',
        })
      const changed = versions.map((one) => (version === undefined || one.version === version ? { ...one, live: false } : one))
      return { versions: changed, result: { name: model, versions: changed } }
    })
  }

  /** The live versions that were trained with a training set. */
  async trainedWith(trainingSet: string): Promise<{ readonly name: string; readonly version: number }[]> {
    return (await this.list()).flatMap((model) =>
      model.versions.flatMap((one) => (one.live && one.trainingSet === trainingSet ? [{ name: model.name, version: one.version }] : [])),
    )
  }

  async #change<T>(
    model: string,
    also: Also<T>,
    change: (before: Model) => { readonly versions: readonly ModelVersion[]; readonly result: T },
  ): Promise<T> {
    const [document] = await this.#documents.read([{ table, key: model }])
    const before = document ? modelOf(document) : null
    const { versions, result } = change(before ?? { name: model, versions: [] })
    const { conditions = [], puts = [] } = also(before, result)
    const made = await this.#documents.commit({
      conditions: [{ table, key: model, revision: document?.revision ?? 0 }, ...conditions],
      puts: [{ table, key: model, text: JSON.stringify({ versions }) }, ...puts],
    })
    if (made === null) throw new LockstepError('REGISTRY_CONFLICT', `The model ${model}, or what it reads, was changed by another`)
    return result
  }
}

/** Whether a version of a model keeps what it depends on in an environment from being removed. */
export const holdsIn = ({ live, environments }: ModelVersion, environment: string): boolean =>
  live && (environments === undefined || environments.includes(environment))

const modelOf = (document: Document): Model => ({ name: document.key, ...readDocument<Omit<Model, 'name'>>(table, document) })
