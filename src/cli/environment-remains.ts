import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { ProjectConfig } from '../store/index.ts'

/** What lies in the folder of the default environment and belongs to all: the registry, and the folders of the others. */
const shared = /^(?:registry\.sqlite.*|environments)$/

/** Where the stores of an environment keep what they hold: files that are there, and places of servers, without addresses. */
export function remainsOf({ folder = '.lockstep', online, log }: ProjectConfig): string[] {
  const entries = existsSync(folder) ? readdirSync(folder).sort() : []
  const own = entries.filter((name) => !shared.test(name))
  const files = own.length === entries.length ? (own.length > 0 ? [folder] : []) : own.map((name) => join(folder, name))
  return [...files, ...onlineOf(online), ...logOf(log)]
}

function onlineOf(online: ProjectConfig['online']): string[] {
  if (online === undefined || typeof online === 'string') return []
  if ('redis' in online) {
    const { prefix = 'lockstep' } = typeof online.redis === 'string' ? {} : online.redis
    return [`keys of Redis that begin with ${prefix}`]
  }
  if (!('postgres' in online)) return [`the online store ${online.name}`]
  const { schema = 'lockstep' } = typeof online.postgres === 'string' ? {} : online.postgres
  return [`the schema ${schema} of PostgreSQL`]
}

function logOf(log: ProjectConfig['log']): string[] {
  if (log === undefined || typeof log === 'string') return []
  if (!('kafka' in log)) return [`the event log ${log.name}`]
  const prefix = 'brokers' in log.kafka ? (log.kafka.prefix ?? '') : ''
  return [`its topics in Kafka${prefix === '' ? '' : ` that begin with ${prefix}`}`]
}
