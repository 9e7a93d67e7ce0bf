import { LockstepError } from '../errors.ts'
import type { LifeCycle } from '../registry/index.ts'
import type { Project } from './project.ts'
import type { ThingRecord } from './records.ts'

/** What `find` gives; where it knows no such thing and that was removed, throws `NAME_RETIRED`, which says by whom and how it comes back. */
export async function orRemoved<T>(project: Project, name: string, find: () => T): Promise<T> {
  try {
    return find()
  } catch (error) {
    if (!(error instanceof LockstepError) || error.code !== 'UNKNOWN_NAME') throw error
    const cycle = (await removedIn(project)).findLast(({ id }) => [id, id.replace(/@\d+/, '')].includes(name))
    throw cycle ? removal(cycle, project.environment) : error
  }
}

function removal({ id, by, at, reason }: LifeCycle, environment: string): LockstepError {
  const why = reason === '' ? '' : ` (${reason})`
  return new LockstepError('NAME_RETIRED', `${id} was removed by ${by} on ${at.slice(0, 10)}${why} in ${environment}`, {
    remedy: `Bring it back: lockstep restore ${id} --environment ${environment}; or use another.`,
  })
}

/** What was removed of a kind, with when, by whom and why; also what is gone altogether. */
export async function removedRecords(project: Project, kind: string): Promise<ThingRecord[]> {
  return (await removedIn(project)).flatMap(({ id, at, by, reason }) => {
    const [, of = 'feature', name = '', version, feature] = /^(?:(\w+):)?([^@]+)@(\d+)(?:\.(.+))?$/.exec(id) ?? []
    if (kinds[kind] !== of) return []
    const thing = feature === undefined ? { name, version: Number(version) } : { name: feature, group: name, version: Number(version) }
    return [{ ...thing, status: 'removed', since: at, by, reason }]
  })
}

const kinds: Readonly<Record<string, string>> = { views: 'view', groups: 'group', 'on-demand': 'onDemand', features: 'feature' }

const removedIn = async (project: Project): Promise<LifeCycle[]> =>
  (await project.lifeCycles()).filter(({ status }) => status === 'removed')
