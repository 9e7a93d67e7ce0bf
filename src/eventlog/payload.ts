import type { RecordHeader } from './log.ts'
import { avroDecoder, avroEncoder } from './payload/avro.ts'
import { AvroRegistry } from './payload/avro-registry.ts'
import type { Fields } from './payload/fields.ts'
import { decodeJson, encodeJson } from './payload/json.ts'

export type { Fields } from './payload/fields.ts'

/** How the values of records are written. */
export type PayloadFormat =
  | { readonly kind: 'json' }
  /** Avro's binary form of one schema, without a frame. */
  | { readonly kind: 'avro'; readonly schema: string }
  /**
   * Avro in Confluent's frame: each payload names its schema by a number, which a registry knows. `url` may hold a user and a password.
   * `schemas` are known by their numbers without asking.
   */
  | { readonly kind: 'avroRegistry'; readonly url: string; readonly schemas?: Readonly<Record<number, string>> }

/**
 * Reads the value of a record; at once, or by a promise where a schema has to be fetched first. What it gives are public values, as
 * `t.*` takes them: moments as texts or Dates, dates and decimals as texts, whole numbers beyond 2^53 as bigints.
 *
 * Throws, or rejects with, `INVALID_VALUE` where the payload is bad, which no later attempt changes, and `EVENT_LOG_UNAVAILABLE` where
 * its schema cannot be had now.
 */
export type PayloadDecoder = (value: Uint8Array, headers?: readonly RecordHeader[]) => Fields | Promise<Fields>

/** Writes the value of a record from public values. Throws, or rejects with, `INVALID_VALUE` for what the format cannot hold. */
export type PayloadEncoder = (fields: Fields) => Uint8Array | Promise<Uint8Array>

/** Throws `INVALID_DEFINITION` where a schema cannot be read. */
export function payloadDecoder(format: PayloadFormat): PayloadDecoder {
  switch (format.kind) {
    case 'json':
      return decodeJson
    case 'avro': {
      const decode = avroDecoder(format.schema)
      return (value) => decode(value)
    }
    case 'avroRegistry': {
      const registry = new AvroRegistry(format.url, format.schemas)
      return (value) => registry.decode(value)
    }
  }
}

/** For values of a topic, whose name tells the schema where a registry is asked. */
export function payloadEncoder(format: PayloadFormat, topic: string): PayloadEncoder {
  switch (format.kind) {
    case 'json':
      return encodeJson
    case 'avro': {
      const encode = avroEncoder(format.schema)
      return (fields) => encode(fields)
    }
    case 'avroRegistry': {
      const registry = new AvroRegistry(format.url, format.schemas)
      return (fields) => registry.encode(topic, fields)
    }
  }
}
