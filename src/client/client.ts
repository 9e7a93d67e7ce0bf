import type { AnyView, KeysOf, RequestOf, VectorOf } from '../definition/index.ts'
import type { Duration } from '../lib/duration.ts'
import type { Moment } from '../lib/moment.ts'
import type { Explanation } from '../pointintime/index.ts'
import type { FeatureState, FeatureStatus, Vector } from '../serving/index.ts'
import { type CallOptions, Connection, type ConnectionOptions } from './connection.ts'
import { type DecodeValue, valueDecoder } from './decode-value.ts'

export type ClientOptions = ConnectionOptions

/** Names of features of a view, where the compiler knows them. */
type NameOf<View extends AnyView> = unknown extends VectorOf<View> ? string : keyof VectorOf<View> & string
type Chosen<View extends AnyView, Name extends string> =
  unknown extends VectorOf<View> ? Readonly<Record<string, unknown>> : Pick<VectorOf<View>, Name & keyof VectorOf<View>>

/** Values that the caller of a view gives, where it asks for any. */
type One<View extends AnyView> =
  Record<never, never> extends RequestOf<View> ? { readonly request?: RequestOf<View> } : { readonly request: RequestOf<View> }
type Each<View extends AnyView> =
  | (One<View> & { readonly requests?: never })
  | { readonly request?: never; readonly requests: readonly RequestOf<View>[] }

export interface VectorOptions<Name extends string = string> extends CallOptions {
  /** Only these, in this order; all by default. */
  readonly features?: readonly Name[]
  /** Now by default. */
  readonly asOf?: Moment
  /** As known at `asOf`, from history: takes seconds. */
  readonly asKnown?: boolean
  /** What was stored longer before is STALE, and null. */
  readonly maxStaleness?: Duration
  /** Milliseconds after which the server gives what it has; the rest is TIME_OUT, and null. */
  readonly budget?: number
  /** On-demand code that throws: `mark` (default) its features FAILED, and null, or `fail` the call with `ON_DEMAND_FAILED`. */
  readonly onDemandErrors?: 'mark' | 'fail'
  /** A store that is down: `fail` (default) the call, or `mark` all features FAILED, and null. */
  readonly storeErrors?: 'fail' | 'mark'
  /** Keep this read, so that it can be explained by its id. */
  readonly explain?: boolean
}

/** The arguments behind the keys: to be left out where a view asks for no request values. */
type OptionsOf<Options, Needed> = Record<never, never> extends Needed ? [options?: Options & Needed] : [options: Options & Needed]

/** A vector, and the id by which the server knows the read that it was of. */
export interface ReadVector<Values> extends Vector<Values> {
  readonly readId: string
}

/** Vectors of several rows, of one read. */
export interface ReadVectors<Values> extends ReadonlyArray<Vector<Values>> {
  readonly readId: string
}

export interface Pushed {
  /** How many events were checked and, unless it was a try, appended. */
  readonly events: number
  /** Where each lies in the topic. */
  readonly positions: readonly { readonly partition: number; readonly offset: number | string }[]
}

export interface ExplainedRead {
  /** The read as it was answered. */
  readonly read: Readonly<Record<string, unknown>>
  /** False: the view has changed since. */
  readonly same_definition: boolean
  readonly explanations: readonly {
    readonly row: number
    readonly served: { readonly value: unknown; readonly status: FeatureStatus; readonly store: string }
    /** Whether history gives the value that was served. */
    readonly agrees: boolean
    /** Events that count now, of those shown, and became known after the read. */
    readonly late: readonly Readonly<Record<string, unknown>>[]
    readonly explanation: Explanation
  }[]
  /** Values that were not explained, as there were too many. */
  readonly left_off: number
}

/** A server of Lockstep. Calls throw `LockstepError` with the code that the server gives. */
export class Client {
  readonly #connection: Connection

  constructor(options: ClientOptions) {
    this.#connection = new Connection(options)
  }

  /** A view by its definition, in its version; or by its name, in the highest one: `client.view<typeof ranking>('ranking')`. */
  view<View extends AnyView = AnyView>(view: View | string): ViewClient<View> {
    return new ViewClient(this.#connection, view)
  }

  /**
   * Appends events to the topic of a source; resolves when they are durable. One that is wrong refuses all. It is tried again like any
   * other call: where events have no id, which makes them count once, pass `retries: 0`.
   */
  async push(
    source: string,
    events: readonly Readonly<Record<string, unknown>>[],
    { dryRun = false, ...call }: CallOptions & { readonly dryRun?: boolean } = {},
  ): Promise<Pushed> {
    const path = `/v1/sources/${encodeURIComponent(source)}/events`
    const { events: count, positions } = await this.#connection.call<Pushed>(path, { events, ...(dryRun ? { dry_run: true } : {}) }, call)
    return { events: count, positions }
  }

  /** Why a read was answered as it was: one that was sampled, or that asked for it. Throws `UNKNOWN_READ`. */
  async explain(
    readId: string,
    { feature, row, ...call }: CallOptions & { readonly feature?: string; readonly row?: number } = {},
  ): Promise<ExplainedRead> {
    const query = new URLSearchParams({ ...(feature === undefined ? {} : { feature }), ...(row === undefined ? {} : { row: String(row) }) })
    return await this.#connection.call<ExplainedRead>(`/v1/explain/${encodeURIComponent(readId)}?${query}`, undefined, call)
  }
}

/** Reads one view. Where a status is TIME_OUT, FAILED or STALE a value is null, whatever its type says, unless the view has a default. */
export class ViewClient<View extends AnyView = AnyView> {
  readonly #connection: Connection
  readonly #path: string
  readonly #version: number | undefined

  constructor(connection: Connection, view: View | string) {
    this.#connection = connection
    this.#path = `/v1/views/${encodeURIComponent(typeof view === 'string' ? view : view.name)}/vectors`
    this.#version = typeof view === 'string' ? undefined : view.version
  }

  /** The values of the view's features for one entity row. */
  async vector<Name extends string = NameOf<View>>(
    keys: KeysOf<View>,
    ...[options]: OptionsOf<VectorOptions<Name & NameOf<View>>, One<View>>
  ): Promise<ReadVector<Chosen<View, Name>>> {
    const { answer, vectors } = await this.#read<Chosen<View, Name>>({ keys }, options as Given)
    return { ...(vectors[0] as Vector<Chosen<View, Name>>), readId: answer.read_id }
  }

  /** The same for up to 1,000 rows. `shared`: keys that all rows have; what depends on these alone is read once. */
  async vectors<Name extends string = NameOf<View>, const Shared extends Partial<KeysOf<View>> = Record<never, never>>(
    rows: readonly Omit<KeysOf<View>, keyof Shared>[],
    ...[options]: OptionsOf<VectorOptions<Name & NameOf<View>> & { readonly shared?: Shared }, Each<View>>
  ): Promise<ReadVectors<Chosen<View, Name>>> {
    const { shared, ...given } = (options ?? {}) as Given & { readonly shared?: object }
    const { answer, vectors } = await this.#read<Chosen<View, Name>>({ rows, ...(shared === undefined ? {} : { keys: shared }) }, given)
    return Object.assign(vectors, { readId: answer.read_id })
  }

  async #read<Values>(
    entities: object,
    given: Given = {},
  ): Promise<{ readonly answer: VectorsAnswer; readonly vectors: Vector<Values>[] }> {
    const {
      timeout,
      retries,
      signal,
      request,
      requests,
      features,
      asOf,
      asKnown,
      maxStaleness,
      budget,
      onDemandErrors,
      storeErrors,
      explain,
    } = given
    const body = {
      ...entities,
      version: this.#version,
      request,
      requests,
      features,
      as_of: asOf instanceof Date ? asOf.toISOString() : asOf,
      as_known: asKnown,
      max_staleness: maxStaleness,
      budget_ms: budget,
      on_demand_errors: onDemandErrors,
      store_errors: storeErrors,
      explain,
      include: ['statuses', 'event_times', 'types'],
    }
    const call = {
      ...(timeout === undefined ? {} : { timeout }),
      ...(retries === undefined ? {} : { retries }),
      ...(signal ? { signal } : {}),
    }
    const answer = await this.#connection.call<VectorsAnswer>(this.#path, body, call)
    const decoders = answer.types.map(valueDecoder)
    return { answer, vectors: answer.rows.map((row) => vectorOf<Values>(answer, row, decoders)) }
  }
}

interface Given extends VectorOptions {
  readonly request?: object
  readonly requests?: readonly object[]
}

/** What the server answers to a read, as far as it is read here. */
interface VectorsAnswer {
  readonly read_id: string
  readonly as_of: string
  readonly features: readonly string[]
  readonly types: readonly string[]
  readonly rows: readonly AnswerRow[]
}

interface AnswerRow {
  readonly values: readonly unknown[]
  readonly statuses: readonly FeatureStatus[]
  readonly event_times: readonly (string | null)[]
}

function vectorOf<Values>(answer: VectorsAnswer, row: AnswerRow, decoders: readonly DecodeValue[]): Vector<Values> {
  const values: Record<string, unknown> = {}
  const features: Record<string, FeatureState> = {}
  for (const [at, name] of answer.features.entries()) {
    values[name] = (decoders[at] as DecodeValue)(row.values[at])
    features[name] = { status: row.statuses[at] as FeatureStatus, eventTime: row.event_times[at] ?? null }
  }
  return { values, features, asOf: answer.as_of } as Vector<Values>
}
