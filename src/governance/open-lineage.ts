import { randomUUID } from 'node:crypto'
import { appendFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import {
  type AnyView,
  catalogueOf,
  type ExpressionNode,
  type FeatureGroupData,
  type FeatureView,
  type History,
  OnDemand,
  selectionsOf,
  showType,
} from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { type ColumnUse, columnsOfFeature, featureId, Lineage } from '../plan/index.ts'
import type { Run } from '../registry/index.ts'

/** Where events of OpenLineage go: to the end of a file of NDJSON, or by POST to an endpoint such as `http://marquez:5000/api/v1/lineage`. */
export type OpenLineageOptions = { readonly file: string } | { readonly url: string }

/** The moments of a run that are told. */
export type LineageEventType = 'START' | 'COMPLETE' | 'FAIL' | 'ABORT'

const producer = 'https://www.npmjs.com/package/lockstep'
const spec = 'https://openlineage.io/spec'
const facet = (name: string, version: string) => ({
  _producer: producer,
  _schemaURL: `${spec}/facets/${version}/${name}.json#/$defs/${name}`,
})

interface DatasetId {
  readonly namespace: string
  readonly name: string
}
interface InputField extends DatasetId {
  readonly field: string
  readonly transformations: readonly {
    readonly type: 'DIRECT' | 'INDIRECT'
    readonly subtype: string
    readonly description: string
    readonly masking: false
  }[]
}

/** What is read or written, with the facets of the standard. */
export interface LineageDataset extends DatasetId {
  readonly facets: Readonly<Record<string, object>>
  readonly outputFacets?: Readonly<Record<string, object>>
}

export interface LineageDatasets {
  readonly inputs: readonly LineageDataset[]
  readonly outputs: readonly LineageDataset[]
}

type Histories = Readonly<Record<string, History>>

/** What a group's values are computed from and where they go: `online` or `offline`. */
export function groupDatasets(
  group: FeatureGroupData,
  environment: string,
  place: 'online' | 'offline',
  histories: Histories = {},
): LineageDatasets {
  const fields = Object.fromEntries(Object.keys(group.features).map((feature) => [feature, fieldsOf(group, feature, histories)]))
  const types = Object.entries(group.features).map(([name, { type }]) => [name, showType(type)] as const)
  const output = { namespace: `lockstep:${environment}`, name: `${place}/${group.name}@${group.version}` }
  return { inputs: sourcesOf([group], histories), outputs: [{ ...output, facets: facetsOf(types, fields) }] }
}

/** What the training set of a view is computed from, and the file that it goes to. */
export function viewDatasets(view: AnyView, path: string, histories: Histories = {}): LineageDatasets {
  const groups = [...new Set(selectionsOf(view).map(({ group }) => group))]
  const lineage = new Lineage(catalogueOf([view as FeatureView]))
  const computed = (onDemand: OnDemand, feature: string): InputField[] =>
    lineage.reach([featureId(onDemand, feature)], 'up').nodes.flatMap(({ id, kind }) => {
      const [, source = '', field = ''] = /^source:([^.]+)\.(.+)$/.exec(id) ?? []
      const own = groups.find((group) => group.source.name === source)
      return kind === 'column' && own ? [{ ...placeOf(own, histories), field, transformations: [transformation('value', true)] }] : []
    })
  const columns = view.items.flatMap((item): (readonly [string, string, InputField[]])[] =>
    Object.entries<unknown>(item.features).map(([name, own]) =>
      item instanceof OnDemand
        ? [name, showType(own as Parameters<typeof showType>[0]), computed(item, name)]
        : [name, showType((item.group.features[own as string] as ExpressionNode).type), fieldsOf(item.group, own as string, histories)],
    ),
  )
  const fields = Object.fromEntries(columns.map(([name, , inputs]) => [name, inputs]))
  const types = columns.map(([name, type]) => [name, type] as const)
  return { inputs: sourcesOf(groups, histories), outputs: [{ ...pathDataset(resolve(path)), facets: facetsOf(types, fields) }] }
}

function fieldsOf(group: FeatureGroupData, feature: string, histories: Histories): InputField[] {
  const isComputed = group.features[feature]?.node !== 'column'
  const place = placeOf(group, histories)
  return [...columnsOfFeature(group, feature)].map(([field, use]) => ({
    ...place,
    field,
    transformations: [transformation(use, isComputed)],
  }))
}

function transformation(use: ColumnUse, isComputed: boolean): InputField['transformations'][number] {
  const subtype = { value: isComputed ? 'AGGREGATION' : 'IDENTITY', condition: 'FILTER', key: 'GROUP_BY', time: 'WINDOW' }[use]
  return { type: use === 'value' ? 'DIRECT' : 'INDIRECT', subtype, description: '', masking: false }
}

function facetsOf(types: readonly (readonly [name: string, type: string])[], fields: Readonly<Record<string, readonly InputField[]>>) {
  return {
    schema: { ...facet('SchemaDatasetFacet', '1-1-1'), fields: types.map(([name, type]) => ({ name, type })) },
    columnLineage: {
      ...facet('ColumnLineageDatasetFacet', '1-2-0'),
      fields: Object.fromEntries(Object.entries(fields).map(([name, inputFields]) => [name, { inputFields }])),
    },
  }
}

function sourcesOf(groups: readonly FeatureGroupData[], histories: Histories): LineageDataset[] {
  const sources = new Map(groups.map((group) => [group.source.name, group]))
  return [...sources.values()].map((group) => {
    const fields = Object.entries(group.source.columns).map(([name, type]) => ({ name, type: showType(type) }))
    return { ...placeOf(group, histories), facets: { schema: { ...facet('SchemaDatasetFacet', '1-1-1'), fields } } }
  })
}

function placeOf({ source }: FeatureGroupData, histories: Histories): DatasetId {
  const history = histories[source.name] ?? source.history
  const [path] = history === null || history.kind === 'rows' ? [] : [history.path].flat()
  return path === undefined ? { namespace: 'lockstep', name: `source/${source.name}` } : pathDataset(path)
}

/** As the standard names files: `s3://bucket` and a key, or `file` and an absolute path. */
function pathDataset(path: string): DatasetId {
  const [, namespace, name] = /^(\w+:\/\/[^/]+)\/(.+)$/.exec(path) ?? []
  return namespace !== undefined && name !== undefined ? { namespace, name } : { namespace: 'file', name: resolve(path) }
}

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
      ...facet('OutputStatisticsOutputDatasetFacet', '1-0-2'),
      rowCount: run.rows ?? 0,
      ...(run.bytes ? { size: run.bytes } : {}),
    }
    const failed = run.error && {
      errorMessage: {
        ...facet('ErrorMessageRunFacet', '1-0-1'),
        message: `${run.error.code}: ${run.error.message}`,
        programmingLanguage: 'JavaScript',
      },
    }
    await this.#send({
      eventType: type,
      eventTime: run.at,
      producer,
      schemaURL: `${spec}/2-0-2/OpenLineage.json#/$defs/RunEvent`,
      run: { runId: run.id, facets: failed ?? {} },
      job: { namespace: `lockstep:${this.#environment}`, name: `${run.kind} ${run.subject}`, facets: {} },
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
