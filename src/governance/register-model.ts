import { LockstepError } from '../errors.ts'
import { suggestion } from '../lib/suggestion.ts'
import type { Commit, ModelVersion, Registry, TrainingSetRecord } from '../registry/index.ts'
import { appliedCatalogue } from './consumers.ts'
import { refuseRemoved } from './removed.ts'

export interface NewModel {
  readonly name: string
  readonly trainingSet: TrainingSetRecord
  /** Where it reads, besides where it was trained. */
  readonly environments: readonly string[]
  readonly owner: string
  readonly description: string
  readonly by: string
}

/**
 * Adds a version of a model, which from then on keeps what it reads from being removed, where it was trained and where it reads. Throws
 * `NAME_RETIRED` where any of that was removed already, `UNKNOWN_NAME` for an environment in which nothing is applied, and as
 * `Models.register`.
 */
export async function registerModel(registry: Registry, { name, trainingSet, ...model }: NewModel): Promise<ModelVersion> {
  const { applies, audit, models } = registry
  const { id, environment, view, version, features } = trainingSet
  const environments = [...new Set([environment, ...model.environments])]
  const known = await applies.environments()
  const catalogue = await appliedCatalogue(registry, environment)
  const held: Commit[] = []
  for (const each of environments) {
    if (each !== environment && !known.includes(each))
      throw new LockstepError('UNKNOWN_NAME', `Nothing is applied in ${each}${suggestion(each, known)}`, {
        remedy: 'Name an environment that something is applied in.',
      })
    // First the head: what is removed after it was read makes another.
    const head = await applies.head(each)
    await refuseRemoved(registry, each, { name: view, version, features }, catalogue)
    if (head) held.push(applies.hold(head))
  }
  const { owner, description, by } = model
  const about = { trainingSet: id, view: { name: view, version }, environments, owner, description, by }
  return await models.register(name, about, (before, after) => ({
    conditions: held.flatMap(({ conditions = [] }) => conditions),
    puts: [
      ...held.flatMap(({ puts = [] }) => puts),
      audit.put({ by, action: 'model.register', on: `model:${name}`, environment, before, after }),
    ],
  }))
}
