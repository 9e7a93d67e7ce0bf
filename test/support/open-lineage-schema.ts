/**
 * What the published schema of OpenLineage 2-0-2 demands of a run event and of the facets that are told here (openlineage.io/spec: OpenLineage.json, and
 * facets), stated anew for machines that cannot have it. Stricter where that costs nothing: no member that the standard does not name.
 */
const text = { type: 'string' }
const uri = { type: 'string', pattern: '^[a-z]+://\\S+$' }
const closed = (properties: Record<string, unknown>, required: readonly string[] = Object.keys(properties)) => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
})
const facet = (properties: Record<string, unknown>, required = Object.keys(properties)) =>
  closed({ _producer: uri, _schemaURL: uri, ...properties }, ['_producer', '_schemaURL', ...required])

const schema = facet({ fields: { type: 'array', items: closed({ name: text, type: text, description: text }, ['name']) } })
const inputField = closed(
  {
    namespace: text,
    name: text,
    field: text,
    transformations: {
      type: 'array',
      items: closed(
        {
          type: { enum: ['DIRECT', 'INDIRECT'] },
          subtype: {
            enum: ['IDENTITY', 'TRANSFORMATION', 'AGGREGATION', 'JOIN', 'GROUP_BY', 'FILTER', 'SORT', 'WINDOW', 'CONDITIONAL'],
          },
          description: text,
          masking: { type: 'boolean' },
        },
        ['type'],
      ),
    },
  },
  ['namespace', 'name', 'field'],
)
const columnLineage = facet({
  fields: { type: 'object', additionalProperties: closed({ inputFields: { type: 'array', items: inputField } }) },
})
const dataset = (more: Record<string, unknown> = {}) =>
  closed({ namespace: text, name: text, facets: closed({ schema, columnLineage }, []), ...more }, ['namespace', 'name'])

export const runEventSchema = closed(
  {
    eventType: { enum: ['START', 'RUNNING', 'COMPLETE', 'ABORT', 'FAIL', 'OTHER'] },
    eventTime: { type: 'string', pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?(Z|[+-]\\d\\d:\\d\\d)$' },
    producer: uri,
    schemaURL: { const: 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent' },
    run: closed(
      {
        runId: { type: 'string', pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' },
        facets: closed(
          {
            errorMessage: facet({ message: text, programmingLanguage: text, stackTrace: text }, ['message', 'programmingLanguage']),
            processing_engine: facet({ name: text, version: text }, ['version']),
          },
          ['processing_engine'],
        ),
      },
      ['runId'],
    ),
    job: closed({
      namespace: text,
      name: text,
      facets: closed({ jobType: facet({ processingType: { enum: ['BATCH', 'STREAMING'] }, integration: text, jobType: text }) }),
    }),
    inputs: { type: 'array', items: dataset() },
    outputs: {
      type: 'array',
      items: dataset({
        outputFacets: closed({ outputStatistics: facet({ rowCount: { type: 'integer' }, size: { type: 'integer' } }, ['rowCount']) }, []),
      }),
    },
  },
  ['eventTime', 'producer', 'schemaURL', 'run', 'job'],
)
