import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { LockstepError } from '../errors.ts'
import type { KafkaEventLogOptions } from '../eventlog/index.ts'
import { closestName } from '../lib/suggestion.ts'
import type { ProjectConfig } from '../store/index.ts'

/** An environment of a project: its name, and the settings that hold in it. */
export interface Environment {
  readonly name: string
  readonly config: ProjectConfig
  /** Those that the settings name, the one that commands mean which name none first. */
  readonly declared: readonly string[]
}

const nameForm = /^[a-z][a-z0-9_-]{0,62}$/
const embeddedFolder = '.lockstep'

/**
 * The settings of a project in an environment: what it says of all, and over it what it says of this one. All environments have one
 * registry; each has embedded stores of its own. Throws `INVALID_ARGUMENT` for a name that is none, and for stores that two of them share.
 */
export function environmentOf(config: ProjectConfig, asked?: string): Environment {
  const { environment: own = 'dev', environments = {}, ...shared } = config
  const name = asked ?? own
  if (!nameForm.test(name))
    throw new LockstepError('INVALID_ARGUMENT', `${JSON.stringify(name)} is no name of an environment`, {
      remedy: 'Begin with a letter in lower case; letters, digits, _ and - may follow.',
    })
  const declared = [own, ...Object.keys(environments).filter((one) => one !== own)]
  const base = shared.folder ?? embeddedFolder
  const registry = registryIn(base, shared.registry)
  const storesOf = (one: string) => ({ ...shared, folder: one === own ? base : join(base, 'environments', one), ...environments[one] })
  for (const other of declared) if (other !== name) refuseShared(name, storesOf(name), other, storesOf(other))
  const settings = { ...storesOf(name), registry }
  // An environment has more rules of its own, and not fewer: `checks` says which count for nothing.
  const policies = [...new Set([...(shared.policies ?? []), ...(environments[name]?.policies ?? [])])]
  return {
    name,
    declared,
    config: {
      ...settings,
      ...(policies.length > 0 ? { policies } : {}),
      history: { ...shared.history, ...environments[name]?.history },
      checks: { ...shared.checks, ...environments[name]?.checks },
    },
  }
}

/**
 * Throws `INVALID_ARGUMENT` for an environment that nobody has made: neither do the settings name it, nor was anything applied in it or
 * stored of it. A slip in a name would begin another one, which is empty. `applied`: those in which something was.
 */
export function refuseUnknown({ name, declared, config }: Environment, applied: readonly string[]): void {
  const known = [...new Set([...declared, ...applied])]
  if (known.includes(name) || existsSync(config.folder ?? embeddedFolder)) return
  const closest = closestName(name, known)
  const there = `; there are ${known.join(', ')}${closest === null ? '' : `; did you mean ${closest}?`}`
  throw new LockstepError('INVALID_ARGUMENT', `There is no environment ${name}${there}`, {
    remedy: 'Say --new-environment to begin it, or declare it in `environments` of the settings.',
  })
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
  if (typeof own.log !== 'object' || typeof others.log !== 'object') return
  if (own.log === others.log && !('kafka' in own.log)) refuse('log', `Give ${name} another one.`)
  if (!('kafka' in own.log) || !('kafka' in others.log)) return
  const [ours, theirs] = [kafkaPlace(own.log.kafka), kafkaPlace(others.log.kafka)]
  if (ours.prefix === theirs.prefix && ours.brokers.some((broker) => theirs.brokers.includes(broker)))
    refuse('Kafka, where they read and write the same topics', `Give ${name} a prefix: log: { kafka: { brokers, prefix: '${name}.' } }.`)
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

function kafkaPlace(kafka: readonly string[] | KafkaEventLogOptions) {
  const { brokers, prefix = '' } = 'brokers' in kafka ? kafka : { brokers: kafka }
  return { prefix, brokers: brokers.map((broker) => (/:\d+$/.test(broker) ? broker : `${broker}:9092`)) }
}

function placeOfUrl(url: string): string {
  if (!URL.canParse(url)) return url
  const { host, pathname } = new URL(url)
  return `${host}${pathname}`
}
