import type { ConnectionOptions } from 'node:tls'

/** Where a cluster of Kafka is and how to reach it. Apart from its driver, so that nobody needs the package of Kafka for types. */
export interface KafkaEventLogOptions {
  /** Some of the cluster's brokers, each as `host:port`; the others are found by them. The port is 9092 where none is given. */
  readonly brokers: readonly string[]
  /**
   * What the names of all topics, and of the groups of their readers, begin with, beyond what sources declare: `prod.`. So environments
   * share brokers without meeting. Default: nothing.
   */
  readonly prefix?: string
  /** The name that brokers give this client in their records. Default: `lockstep`. */
  readonly clientId?: string
  /** Encrypts connections; what Node.js takes for `tls.connect`, such as `ca`, `cert` and `key`. `{}` trusts the usual authorities. */
  readonly tls?: ConnectionOptions
  /** Who connects. */
  readonly sasl?: KafkaSasl
  /** How long an operation may take with all its attempts, in milliseconds. Default: 30,000. */
  readonly timeout?: number
  /** Of topics that `createTopic` makes: on how many brokers each partition lies. Default: what the brokers say. */
  readonly replicas?: number
}

/** How to prove who one is. */
export interface KafkaSasl {
  readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512' | 'OAUTHBEARER'
  readonly username?: string
  readonly password?: string
  /** For `OAUTHBEARER`: the token, or what gives a fresh one. */
  readonly token?: string | (() => string | Promise<string>)
}
