import { LockstepError } from '../errors.ts'

/** How the values of records are written: JSON objects, Avro of a known schema, or Avro whose schema a registry knows. */
export type StreamFormat =
  | { readonly kind: 'json' }
  | { readonly kind: 'avro'; readonly schema: string }
  | { readonly kind: 'avroRegistry'; readonly url: string }

/** Where the events of a source come from while they happen: a topic of the event log. */
export interface StreamData {
  readonly topic: string
  /** The columns that decide the partition: all events that agree in them are in one, in order. Empty where nothing is known of it. */
  readonly key: readonly string[]
  readonly format: StreamFormat
  /** How many partitions the topic gets where Lockstep makes it. */
  readonly partitions: number
}

export interface TopicOptions<Column extends string = string> {
  /** The columns by which the topic is partitioned; the groups of an entity with these keys read it as it is, others through a copy. */
  readonly key: Column | readonly Column[]
  readonly format?: StreamFormat
  /** Default: 8. */
  readonly partitions?: number
}

/** A stream with its columns yet to be checked by the source. */
export interface Topic<Column extends string = string> extends StreamData {
  readonly key: readonly Column[]
}

const topicName = /^[\w.-]{1,200}$/

/** The topic of a source: `stream: topic('orders', { key: 'user_id' })`. Throws `INVALID_DEFINITION`. */
export function topic<const Column extends string>(name: string, options: TopicOptions<Column>): Topic<Column> {
  const where = `topic ${name}`
  if (!topicName.test(name))
    throw new LockstepError('INVALID_DEFINITION', `${JSON.stringify(name)} is no name of a topic`, {
      remedy: 'Use 1 to 200 letters, digits and _ . -',
    })
  // Programs without types may leave it out.
  const { key: given = [] } = (options ?? {}) as Partial<TopicOptions<Column>>
  const key = typeof given === 'string' ? [given] : given
  if (key.length === 0)
    throw new LockstepError('INVALID_DEFINITION', 'A topic needs a key', {
      where,
      remedy: `Name the columns: topic('${name}', { key: 'user_id' }).`,
    })
  if (new Set(key).size !== key.length) throw new LockstepError('INVALID_DEFINITION', 'The key names a column twice', { where })
  const partitions = options.partitions ?? 8
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > 10_000)
    throw new LockstepError('INVALID_DEFINITION', `A topic has 1 to 10,000 partitions, not ${partitions}`, { where })
  return Object.freeze({
    topic: name,
    key: Object.freeze([...key]),
    format: Object.freeze({ ...(options.format ?? { kind: 'json' }) }),
    partitions,
  })
}

/** The format as people read it; of a schema only that there is one. */
export function showFormat(format: StreamFormat): string {
  switch (format.kind) {
    case 'json':
      return 'JSON'
    case 'avro':
      return 'Avro'
    case 'avroRegistry':
      return `Avro, schemas of ${format.url}`
  }
}
