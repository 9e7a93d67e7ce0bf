import type { ConnectionOptions } from 'node:tls'
import { LockstepError } from '../../../errors.ts'
import { durationMicros } from '../../../lib/duration.ts'
import type { RedisOnlineStoreOptions } from '../../redis-options.ts'

/** `host:port`, with brackets around a host that has colons. */
export type Address = string

export interface Settings {
  readonly seeds: readonly Address[]
  readonly cluster: boolean
  readonly spread: boolean
  readonly prefix: string
  /** Milliseconds; null where rows stay. */
  readonly expireAfter: number | null
  readonly access: Access
}

/** How to come to any of the servers. */
export interface Access {
  readonly username: string | undefined
  readonly password: string | undefined
  readonly database: number
  readonly tls: ConnectionOptions | null
  readonly connectTimeout: number
  readonly commandTimeout: number
}

const defaultPort = 6379
const prefixForm = /^[\w@.-]{1,100}$/

/** Throws `INVALID_ARGUMENT` where options make no sense; no message has the url, as it may hold a password. */
export function settingsOf(options: RedisOnlineStoreOptions): Settings {
  const { url, nodes = [], cluster = nodes.length > 0, spread = false, prefix = 'lockstep' } = options
  const { connectTimeout = 3000, commandTimeout = 5000 } = options
  if ((url === undefined) === (nodes.length === 0)) throw wrong('Redis needs either a url or nodes', 'url')
  if (!cluster && nodes.length > 1) throw wrong('Several nodes are those of a cluster', 'cluster')
  if (!cluster && spread) throw wrong('Rows can be spread only over the nodes of a cluster', 'spread')
  if (!prefixForm.test(prefix)) throw wrong('A prefix is made of 1 to 100 letters, digits and _ @ . -', 'prefix')
  for (const [name, value] of Object.entries({ connectTimeout, commandTimeout })) {
    if (!(value > 0)) throw wrong(`A time limit is above 0, not ${value}`, name)
  }
  const place = url === undefined ? null : parseUrl(url)
  const database = place?.database ?? 0
  if (cluster && database !== 0) throw wrong('A cluster has no database but 0', 'url')
  return {
    seeds: place ? [place.address] : nodes.map(addressOf),
    cluster,
    spread,
    prefix,
    expireAfter: options.expireAfter === undefined ? null : Math.ceil(durationMicros(options.expireAfter, 'expireAfter') / 1000),
    access: {
      username: options.username ?? place?.username,
      password: options.password ?? place?.password,
      database,
      tls: options.tls ?? (place?.encrypted ? {} : null),
      connectTimeout,
      commandTimeout,
    },
  }
}

function parseUrl(text: string) {
  const url = URL.parse(text)
  const [, database] = /^\/?(\d*)$/.exec(url?.pathname ?? '-') ?? []
  if (url === null || !/^rediss?:$/.test(url.protocol) || url.hostname === '' || database === undefined) {
    throw wrong('The url of Redis is not redis://user:password@host:port/database, or rediss:// with the same', 'url')
  }
  const part = (value: string) => {
    try {
      return value === '' ? undefined : decodeURIComponent(value)
    } catch {
      throw wrong('The url of Redis has a % that begins no character; write %25', 'url')
    }
  }
  return {
    address: `${url.hostname}:${url.port || defaultPort}`,
    username: part(url.username),
    password: part(url.password),
    database: Number(database),
    encrypted: url.protocol === 'rediss:',
  }
}

function addressOf(node: string): Address {
  const url = /^[^/@?#\s]+$/.test(node) ? URL.parse(`redis://${node}`) : null
  if (url === null || url.hostname === '') throw wrong('A node of Redis is not host:port', 'nodes')
  return `${url.hostname}:${url.port || defaultPort}`
}

export function splitAddress(address: Address): { host: string; port: number } {
  const colon = address.lastIndexOf(':')
  return { host: address.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(address.slice(colon + 1)) }
}

const wrong = (message: string, where: string) => new LockstepError('INVALID_ARGUMENT', message, { where })
