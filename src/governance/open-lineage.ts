import { randomUUID } from 'node:crypto'
import { appendFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { LockstepError } from '../errors.ts'
import type { Run } from '../registry/index.ts'
import { type LineageDatasets, lineageFacet, lineageProducer, lineageSpecification } from './lineage-datasets.ts'

/** Where events of OpenLineage go: to the end of a file of NDJSON, or by POST to an endpoint such as `http://marquez:5000/api/v1/lineage`. */
export type OpenLineageOptions = { readonly file: string } | { readonly url: string }

/** The moments of a run that are told. */
export type LineageEventType = 'START' | 'COMPLETE' | 'FAIL' | 'ABORT'

const { version } = createRequire(import.meta.url)('../../package.json') as { readonly version: string }

/** Tells others of runs by events of OpenLineage 2-0-2. */
export class OpenLineage {
  readonly #options: OpenLineageOptions
  readonly #environment: string

  constructor(options: OpenLineageOptions, environment: string) {
    this.#options = options
    this.#environment = environment
  }

  newRun(): string {
    return randomUUID()
  }

  /** Throws `STORE_UNAVAILABLE` where the file or the endpoint does not take it within five seconds. */
  async emit(
    type: LineageEventType,
    run: Pick<Run, 'kind' | 'subject' | 'error'> & {
      readonly id: string
      readonly at: string
      readonly rows?: number
      readonly bytes?: number
    },
    { inputs, outputs }: LineageDatasets,
  ): Promise<void> {
    const written = {
      ...lineageFacet('OutputStatisticsOutputDatasetFacet', '1-0-2'),
      rowCount: run.rows ?? 0,
      ...(run.bytes ? { size: run.bytes } : {}),
    }
    const failed = run.error && {
      errorMessage: {
        ...lineageFacet('ErrorMessageRunFacet', '1-0-1'),
        message: `${run.error.code}: ${run.error.message}`,
        programmingLanguage: 'JavaScript',
      },
    }
    const engine = { ...lineageFacet('ProcessingEngineRunFacet', '1-1-1'), name: 'lockstep', version }
    const jobType = {
      ...lineageFacet('JobTypeJobFacet', '2-0-3'),
      processingType: 'BATCH',
      integration: 'LOCKSTEP',
      jobType: run.kind.toUpperCase(),
    }
    await this.#send({
      eventType: type,
      eventTime: run.at,
      producer: lineageProducer,
      schemaURL: `${lineageSpecification}/2-0-2/OpenLineage.json#/$defs/RunEvent`,
      run: { runId: run.id, facets: { processing_engine: engine, ...failed } },
      job: { namespace: `lockstep:${this.#environment}`, name: `${run.kind} ${run.subject}`, facets: { jobType } },
      inputs,
      outputs: type === 'COMPLETE' ? outputs.map((output) => ({ ...output, outputFacets: { outputStatistics: written } })) : outputs,
    })
  }

  async #send(event: object): Promise<void> {
    const where = 'file' in this.#options ? this.#options.file : this.#options.url
    try {
      if ('file' in this.#options) await appendFile(this.#options.file, `${JSON.stringify(event)}\n`)
      else {
        const key = process.env.OPENLINEAGE_API_KEY
        const headers = { 'content-type': 'application/json', ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) }
        const response = await fetch(where, { method: 'POST', headers, body: JSON.stringify(event), signal: AbortSignal.timeout(5_000) })
        if (!response.ok) throw new Error(`it answers ${response.status}`)
      }
    } catch (cause) {
      throw new LockstepError('STORE_UNAVAILABLE', `An event of OpenLineage cannot be told: ${(cause as Error).message}`, { where, cause })
    }
  }
}
