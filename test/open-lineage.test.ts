import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { lockstep, smallProject } from './support/command-line.ts'
import { runEventSchema } from './support/open-lineage-schema.ts'

const isRunEvent = new Ajv2020({ strict: false }).compile(runEventSchema)

interface Dataset {
  readonly namespace: string
  readonly name: string
  readonly facets: {
    readonly schema?: unknown
    readonly columnLineage?: { readonly fields: Readonly<Record<string, { readonly inputFields: readonly { readonly field: string }[] }>> }
  }
  readonly outputFacets?: { readonly outputStatistics: { readonly rowCount: number } }
}

/** What is looked at of an event, once the schema holds. */
interface Event {
  readonly eventType: string
  readonly run: { readonly runId: string; readonly facets: { readonly errorMessage?: { readonly message: string } } }
  readonly job: { readonly name: string }
  readonly inputs: readonly Dataset[]
  readonly outputs: readonly Dataset[]
}

function eventsIn(folder: string): Event[] {
  const lines = readFileSync(join(folder, 'lineage.ndjson'), 'utf8').trim().split('\n')
  const events = lines.map((line): Event => JSON.parse(line))
  for (const event of events) assert.ok(isRunEvent(event), JSON.stringify(isRunEvent.errors))
  return events
}

test('materialize, backfill and train are told as events of OpenLineage, column by column', async () => {
  using project = smallProject({ 'lockstep.config.json': JSON.stringify({ openLineage: { file: 'lineage.ndjson' }, statistics: false }) })
  const run = async (...given: string[]) => (await lockstep(project.path, ...given)).code
  assert.equal(await run('materialize', 'user_clicks'), 0)
  assert.equal(await run('backfill', 'user_daily', '--from', '2026-03-01', '--to', '2026-03-03'), 0)
  assert.equal(await run('train', 'offer', '--labels', 'labels.csv', '--out', 'offer.parquet'), 0)
  assert.equal(await run('train', 'offer', '--labels', 'data/clicks.csv', '--out', 'other.parquet'), 1)
  const events = eventsIn(project.path)
  assert.deepEqual(
    events.map(({ eventType, job }) => [eventType, job.name]),
    ['materialize user_clicks@1', 'backfill user_daily@2', 'train view:offer@3', 'train view:offer@3'].flatMap((name, place) => [
      ['START', name],
      [place === 3 ? 'FAIL' : 'COMPLETE', name],
    ]),
  )
  for (let place = 0; place < events.length; place += 2) assert.equal(events[place]?.run.runId, events[place + 1]?.run.runId)
  const [, materialized, , backfilled, , trained, , failed] = events
  const clicks = { namespace: 'file', name: join(project.path, 'data/clicks.csv') }
  const [input] = materialized?.inputs ?? []
  const { schema: _schema, ...ofInput } = input?.facets ?? {}
  assert.deepEqual([input?.name, ofInput], [clicks.name, {}])
  const [online] = materialized?.outputs ?? []
  assert.deepEqual(
    [online?.namespace, online?.name, online?.outputFacets?.outputStatistics.rowCount],
    ['lockstep:dev', 'online/user_clicks@1', 2],
  )
  const use = (type: string, subtype: string, description?: string) => [
    { type, subtype, ...(description ? { description } : {}), masking: false },
  ]
  assert.deepEqual(online?.facets.columnLineage?.fields.user_price_sum_lifetime?.inputFields, [
    { ...clicks, field: 'price', transformations: use('DIRECT', 'AGGREGATION', 'sum(price)') },
    { ...clicks, field: 'user_id', transformations: use('INDIRECT', 'GROUP_BY') },
    { ...clicks, field: 'at', transformations: use('INDIRECT', 'WINDOW') },
  ])
  assert.equal(backfilled?.outputs[0]?.name, 'offline/user_daily@2')
  assert.equal(trained?.outputs[0]?.name, join(project.path, 'offer.parquet'))
  assert.deepEqual(
    trained?.outputs[0]?.facets.columnLineage?.fields.budget_per_click?.inputFields.map(({ field }) => field),
    ['user_id', 'at'],
  )
  assert.match(failed?.run.facets.errorMessage?.message ?? '', /MISSING_KEY/)
})

test('what is applied is told with the groups that it changed', async () => {
  using project = smallProject({ 'lockstep.config.json': JSON.stringify({ openLineage: { file: 'lineage.ndjson' } }) })
  const { code, stderr } = await lockstep(project.path, 'apply', '--yes')
  assert.equal(code, 0, stderr)
  const events = eventsIn(project.path)
  assert.deepEqual(
    events.map(({ eventType, job }) => [eventType, job.name]),
    [
      ['START', 'apply dev'],
      ['COMPLETE', 'apply dev'],
    ],
  )
  assert.deepEqual(events[1]?.outputs.map(({ name }) => name).sort(), [
    'online/user_clicks@1',
    'online/user_daily@2',
    'online/user_profile@1',
  ])
  assert.equal((await lockstep(project.path, 'apply', '--yes')).code, 0)
  assert.equal(eventsIn(project.path).length, 2)
})

test('events go to an endpoint; one that is away fails nothing', async () => {
  const received: Event[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (part) => (body += part))
    request.on('end', () => {
      received.push(JSON.parse(body))
      response.writeHead(received.length === 1 ? 201 : 503).end()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1/lineage`
  using project = smallProject({ 'lockstep.config.json': JSON.stringify({ openLineage: { url }, statistics: false }) })
  const { code, stderr } = await lockstep(project.path, 'materialize', 'user_clicks')
  server.close()
  assert.equal(code, 0, stderr)
  assert.deepEqual(
    received.map(({ eventType }) => eventType),
    ['START', 'COMPLETE'],
  )
  assert.ok(received.every((event) => isRunEvent(event)))
  assert.match(stderr, /OpenLineage.*503/)
})
