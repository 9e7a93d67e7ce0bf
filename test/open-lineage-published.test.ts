import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { openLineageSchemas } from '../scripts/open-lineage-schemas.ts'
import { lockstep, smallProject } from './support/command-line.ts'

const published = await openLineageSchemas()

/** What the schemas say with `format`, by RFC 3339, 3986 and 4122. */
const formats = {
  'date-time': (text: string) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text)),
  uri: (text: string) => URL.canParse(text),
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
}

describe('the published schemas of OpenLineage', { skip: 'skipped' in published && published.skipped }, () => {
  const events: Record<string, unknown>[] = []
  const ajv = new Ajv2020({ strict: false, allErrors: true, formats, schemas: 'skipped' in published ? [] : [...published.schemas] })

  const schemaAt = (url: unknown): ValidateFunction => {
    const found = ajv.getSchema(String(url))
    assert.ok(found, `${url} is not published`)
    return found
  }

  before(async () => {
    using project = smallProject({ 'lockstep.config.json': JSON.stringify({ openLineage: { file: 'lineage.ndjson' }, statistics: false }) })
    const run = async (...given: string[]) => {
      const { code, stderr } = await lockstep(project.path, ...given)
      assert.ok(code === 0 || given.includes('other.parquet'), stderr)
    }
    await run('apply', '--yes')
    await run('materialize', 'user_clicks', 'user_daily', 'user_profile')
    await run('backfill', 'user_daily', '--from', '2026-03-01', '--to', '2026-03-03')
    await run('train', 'offer', '--labels', 'labels.csv', '--out', 'offer.parquet')
    await run('train', 'offer', '--labels', 'data/clicks.csv', '--out', 'other.parquet')
    const definitions = join(project.path, 'definitions.ts')
    const text = readFileSync(definitions, 'utf8')
    writeFileSync(
      definitions,
      `${text}export const next = featureView({ name: 'offer', version: 4, features: [userClicks, userDaily, context] })\n`,
    )
    await run('apply', '--yes')
    await run('switch', 'offer', '4')
    for (const line of readFileSync(join(project.path, 'lineage.ndjson'), 'utf8').trim().split('\n')) events.push(JSON.parse(line))
  })

  test('hold of each event of a project', () => {
    const kinds = events.map(({ eventType, job }) => `${(job as { name: string }).name.split(' ')[0]} ${eventType}`)
    const done = ['apply', 'materialize', 'backfill', 'train', 'switch'].flatMap((kind) => [`${kind} START`, `${kind} COMPLETE`])
    assert.deepEqual(new Set(kinds), new Set([...done, 'train FAIL']))
    for (const event of events) {
      const isEvent = schemaAt(event.schemaURL)
      assert.ok(isEvent(event), JSON.stringify([isEvent.errors, event]))
    }
  })

  test('hold of each facet, each in the version that it names', () => {
    const seen = new Set<string>()
    for (const { run, job, inputs, outputs } of events as { [part: string]: Holder | Holder[] }[]) {
      for (const holder of [run, job, inputs, outputs].flat() as Holder[])
        for (const [name, facet] of ['facets', 'inputFacets', 'outputFacets'].flatMap((where) => Object.entries(holder[where] ?? {}))) {
          const isFacet = schemaAt(facet._schemaURL)
          assert.ok(isFacet(facet), JSON.stringify([isFacet.errors, facet]))
          // The document of a facet says under which name it stands.
          const isNamed = schemaAt(facet._schemaURL?.split('#')[0])
          assert.ok(Object.hasOwn((isNamed.schema as { properties: object }).properties, name), name)
          seen.add(name)
        }
    }
    assert.deepEqual([...seen].sort(), ['columnLineage', 'errorMessage', 'jobType', 'outputStatistics', 'processing_engine', 'schema'])
  })

  test('refuse what is not so', () => {
    const [event] = events as { run: object; outputs: { facets: { columnLineage: object; schema: object } }[] }[]
    const isEvent = schemaAt('https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent')
    assert.ok(!isEvent({ ...event, run: { runId: '1' } }))
    assert.ok(!isEvent({ ...event, eventTime: 'yesterday' }))
    const { columnLineage } = event?.outputs[0]?.facets ?? {}
    const isLineage = schemaAt('https://openlineage.io/spec/facets/1-2-0/ColumnLineageDatasetFacet.json#/$defs/ColumnLineageDatasetFacet')
    assert.ok(isLineage(columnLineage))
    assert.ok(!isLineage({ ...columnLineage, fields: { spend: { inputFields: [{ name: 'orders', field: 'total' }] } } }))
  })
})

type Holder = Readonly<Record<string, Readonly<Record<string, { readonly _schemaURL?: string }>> | undefined>>
