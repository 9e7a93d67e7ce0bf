import { LockstepError } from '../../errors.ts'
import { avroDecoder, avroEncoder } from './avro.ts'
import { badPayload } from './avro-reader.ts'
import { type AvroNames, parseAvroSchema } from './avro-schema.ts'
import { AvroOutput } from './avro-writer.ts'
import type { Fields } from './fields.ts'

/** Of Confluent's framing: a zero, the number of the schema in four bytes, then the payload. */
const magic = 0
const frameBytes = 5
const requestTimeout = 10_000
/** How long a schema that the registry does not know is not asked for again, in milliseconds. */
const unknownFor = 60_000
const mostUnknown = 1000

type Decode = (payload: Uint8Array, start?: number) => Fields

interface RegisteredSchema {
  readonly id?: number
  readonly schema: string
  readonly schemaType?: string
  readonly references?: readonly { readonly subject: string; readonly version: number }[]
}

/** Schemas of a registry (https://docs.confluent.io/platform/current/schema-registry/develop/api.html), each asked for once. */
export class AvroRegistry {
  readonly #url: URL
  readonly #headers: Readonly<Record<string, string>>
  readonly #decoders = new Map<number, Decode>()
  readonly #asking = new Map<number, Promise<Decode>>()
  readonly #unknown = new Map<number, number>()
  readonly #encoders = new Map<string, Promise<(fields: Fields) => Uint8Array>>()

  /** `url` may hold a user and a password. `schemas` are known without asking, by their numbers. */
  constructor(url: string, schemas: Readonly<Record<number, string>> = {}) {
    this.#url = registryUrl(url)
    const { username, password } = this.#url
    const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')
    this.#headers = {
      accept: 'application/vnd.schemaregistry.v1+json, application/json',
      ...(username === '' ? {} : { authorization: `Basic ${credentials}` }),
    }
    this.#url.username = ''
    this.#url.password = ''
    for (const [id, schema] of Object.entries(schemas)) this.#decoders.set(Number(id), avroDecoder(schema))
  }

  /**
   * Reads a payload in its frame; at once where its schema is known. Throws `INVALID_VALUE` for a payload that is not right or names a
   * schema that there is not, `EVENT_LOG_UNAVAILABLE` where the registry cannot be asked.
   */
  decode(payload: Uint8Array): Fields | Promise<Fields> {
    if (payload.length < frameBytes || payload[0] !== magic) throw badPayload('does not begin with the number of a schema')
    const id = new DataView(payload.buffer, payload.byteOffset).getInt32(1)
    const decode = this.#decoders.get(id)
    return decode === undefined ? this.#decoder(id).then((read) => read(payload, frameBytes)) : decode(payload, frameBytes)
  }

  /** Writes payloads of a topic, by the newest schema of its values (subject `TOPIC-value`). */
  async encode(topic: string, fields: Fields): Promise<Uint8Array> {
    let encoding = this.#encoders.get(topic)
    if (encoding === undefined) {
      encoding = this.#encoder(topic)
      this.#encoders.set(topic, encoding)
      encoding.catch(() => this.#encoders.delete(topic))
    }
    return (await encoding)(fields)
  }

  #decoder(id: number): Promise<Decode> {
    let asking = this.#asking.get(id)
    if (asking === undefined) {
      asking = this.#ask(id).finally(() => this.#asking.delete(id))
      this.#asking.set(id, asking)
    }
    return asking
  }

  async #ask(id: number): Promise<Decode> {
    if ((this.#unknown.get(id) ?? 0) > Date.now()) throw this.#noSchema(id)
    const found = await this.#get(`schemas/ids/${id}`)
    if (found === null) {
      if (this.#unknown.size >= mostUnknown) this.#unknown.clear()
      this.#unknown.set(id, Date.now() + unknownFor)
      throw this.#noSchema(id)
    }
    try {
      const decode = avroDecoder(checkedSchema(found), await this.#names(found))
      this.#decoders.set(id, decode)
      return decode
    } catch (error) {
      if (!(error instanceof LockstepError) || error.code !== 'INVALID_DEFINITION') throw error
      throw badPayload(`is of schema ${id}: ${error.message}`)
    }
  }

  #noSchema(id: number): LockstepError {
    return badPayload(`names the schema ${id}, which the registry at ${this.#url.host} does not know`)
  }

  async #encoder(topic: string): Promise<(fields: Fields) => Uint8Array> {
    const subject = `${topic}-value`
    const found = await this.#get(`subjects/${encodeURIComponent(subject)}/versions/latest`)
    if (found?.id === undefined)
      throw new LockstepError('INVALID_ARGUMENT', `The registry at ${this.#url.host} has no schema of ${subject}`)
    const { id } = found
    const encode = avroEncoder(checkedSchema(found), await this.#names(found))
    return (fields) => {
      const output = new AvroOutput()
      output.byte(magic)
      output.int32(id)
      return encode(fields, output)
    }
  }

  /** The types of the schemas that a schema refers to. */
  async #names({ references = [] }: RegisteredSchema, names: AvroNames = new Map()): Promise<AvroNames> {
    for (const { subject, version } of references) {
      const found = await this.#get(`subjects/${encodeURIComponent(subject)}/versions/${version}`)
      if (found === null) throw badPayload(`needs the schema ${subject} ${version}, which the registry at ${this.#url.host} does not know`)
      await this.#names(found, names)
      parseAvroSchema(checkedSchema(found), names)
    }
    return names
  }

  /** Null where the registry has no such thing. */
  async #get(path: string): Promise<RegisteredSchema | null> {
    const where = new URL(path, this.#url)
    const unavailable = (why: string, cause?: unknown) =>
      new LockstepError('EVENT_LOG_UNAVAILABLE', `The schema registry at ${this.#url.host} ${why}`, {
        remedy: 'Check that it runs, its address and the credentials; then do it again.',
        cause,
      })
    let response: Response
    try {
      response = await fetch(where, { headers: this.#headers, signal: AbortSignal.timeout(requestTimeout) })
      if (response.status === 404) return null
      if (response.ok) return (await response.json()) as RegisteredSchema
    } catch (cause) {
      throw unavailable('cannot be asked', cause)
    }
    throw unavailable(`answers ${response.status} ${response.statusText}`)
  }
}

function registryUrl(text: string): URL {
  const url = URL.parse(text.endsWith('/') ? text : `${text}/`)
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url
  throw new LockstepError('INVALID_ARGUMENT', `${JSON.stringify(text)} is not the address of a schema registry`, {
    remedy: 'Write http://host:port, or https.',
  })
}

function checkedSchema({ schema, schemaType = 'AVRO' }: RegisteredSchema): string {
  if (schemaType !== 'AVRO' || typeof schema !== 'string') throw badPayload(`is of a schema of the kind ${schemaType}`)
  return schema
}
