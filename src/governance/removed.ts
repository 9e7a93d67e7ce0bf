import type { Catalogue } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { Lineage, viewFeatureId } from '../plan/index.ts'
import { type Registry, Standings } from '../registry/index.ts'

/** Features of a version of a view. */
interface ViewRead {
  readonly name: string
  readonly version: number
  readonly features: readonly string[]
}

/**
 * Throws `NAME_RETIRED` where a view was removed in an environment, or where the catalogue defines it, something that it reads: nothing is
 * made of that any more.
 */
export async function refuseRemoved(
  { lifeCycles }: Pick<Registry, 'lifeCycles'>,
  environment: string,
  { name, version, features }: ViewRead,
  catalogue?: Catalogue | null,
): Promise<void> {
  const cycles = await lifeCycles.list(environment)
  const view = `view:${name}@${version}`
  const removed = cycles.find(({ id, status }) => id === view && status === 'removed')
  if (removed) throw refusal(environment, view, `${name}@${version} was removed`)
  if (!catalogue || cycles.every(({ status }) => status !== 'removed')) return
  const [lineage, standings] = [new Lineage(catalogue), new Standings(catalogue, cycles)]
  const start = features.map((feature) => viewFeatureId({ name, version }, feature)).filter((id) => lineage.nodes.has(id))
  const gone = lineage.reach(start, 'up').nodes.find(({ id, kind }) => kind === 'feature' && standings.of(id).status === 'removed')
  if (gone) throw refusal(environment, gone.id, `${name}@${version} reads ${gone.id}, which was removed`)
}

const refusal = (environment: string, id: string, message: string): LockstepError =>
  new LockstepError('NAME_RETIRED', `${message} in ${environment}`, {
    remedy: `Read another version, or bring it back: lockstep restore ${id} --environment ${environment}.`,
  })
