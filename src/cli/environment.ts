import { join, resolve } from 'node:path'
import { LockstepError } from '../errors.ts'
import { suggestion } from '../lib/suggestion.ts'
import type { ProjectConfig } from '../store/index.ts'

/** An environment of a project: its name, and the settings that hold in it. */
export interface Environment {
  readonly name: string
  readonly config: ProjectConfig
}

const nameForm = /^[a-z][a-z0-9_-]{0,62}$/
const embeddedFolder = '.lockstep'

/**
 * The settings of a project in an environment: what it says of all, and over it what it says of this one. All environments have one
 * registry; each has embedded stores of its own. Throws `INVALID_ARGUMENT` for a name that is none, or not among those declared.
 */
export function environmentOf(config: ProjectConfig, asked?: string): Environment {
  const { environment: own = 'dev', environments = {}, ...shared } = config
  const name = asked ?? own
  if (!nameForm.test(name))
    throw new LockstepError('INVALID_ARGUMENT', `${JSON.stringify(name)} is no name of an environment`, {
      remedy: 'Begin with a letter in lower case; letters, digits, _ and - may follow.',
    })
  const declared = Object.keys(environments)
  if (name !== own && declared.length > 0 && !declared.includes(name))
    throw new LockstepError('INVALID_ARGUMENT', `There is no environment ${name}${suggestion(name, [own, ...declared])}`, {
      remedy: 'Declare it in `environments` of the settings.',
    })
  const base = shared.folder ?? embeddedFolder
  const registry = registryIn(base, shared.registry)
  const storesOf = (one: string) => ({ ...shared, folder: one === own ? base : join(base, 'environments', one), ...environments[one] })
  for (const other of [own, ...declared]) if (other !== name) refuseShared(name, storesOf(name), other, storesOf(other))
  const settings = { ...storesOf(name), registry }
  return {
    name,
    config: {
      ...settings,
      history: { ...shared.history, ...environments[name]?.history },
      checks: { ...shared.checks, ...environments[name]?.checks },
    },
  }
}

/** Environments have one registry, wherever their other files are. */
function registryIn(base: string, registry: ProjectConfig['registry']): NonNullable<ProjectConfig['registry']> {
  const sqlite = join(base, 'registry.sqlite')
  if (registry === undefined || registry === 'sqlite') return { sqlite }
  return Object.keys(registry).join() === 'retention' ? { sqlite, ...registry } : registry
}

/** Rows are named by group and version: environments in one place would overwrite each other's. */
function refuseShared(name: string, own: ProjectConfig, other: string, others: ProjectConfig): void {
  const refuse = (what: string, remedy: string) => {
    throw new LockstepError(
      'INVALID_ARGUMENT',
      `The environments ${name} and ${other} have one ${what}, and would overwrite each other's values`,
      {
        where: 'environments',
        remedy,
      },
    )
  }
  if (resolve(own.folder ?? embeddedFolder) === resolve(others.folder ?? embeddedFolder))
    refuse('folder', `Give ${name} a folder of its own.`)
  const [place, its] = [onlinePlace(own.online), onlinePlace(others.online)]
  if (place !== null && place === its)
    refuse('online store', `Give ${name} another one, or a prefix of its own in Redis, or a schema of its own in PostgreSQL.`)
  if (typeof own.log === 'object' && !('kafka' in own.log) && own.log === others.log) refuse('log', `Give ${name} another one.`)
}

/** Equal for one place: of a server who connects does not count. A driver is its own place; null for what lies in the folder or in memory. */
function onlinePlace(online: ProjectConfig['online']): unknown {
  if (online === undefined || typeof online === 'string') return null
  if ('redis' in online) {
    const { url = '', nodes = [], prefix = '' } = typeof online.redis === 'string' ? { url: online.redis } : online.redis
    return ['redis', url === '' ? nodes.toSorted().join() : placeOfUrl(url), prefix].join(' ')
  }
  if ('postgres' in online) {
    const { url, schema = 'lockstep' } = typeof online.postgres === 'string' ? { url: online.postgres } : online.postgres
    return ['postgres', placeOfUrl(url), schema].join(' ')
  }
  return online
}

function placeOfUrl(url: string): string {
  if (!URL.canParse(url)) return url
  const { host, pathname } = new URL(url)
  return `${host}${pathname}`
}
