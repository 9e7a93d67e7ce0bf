import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { type Policy, policy } from '../plan/index.ts'
import { environmentOf, refuseUnknown } from './environment.ts'

const config = {
  history: { orders: 'a.csv' },
  checks: { owner: 'error' },
  environments: {
    prod: { online: 'memory', checks: { description: 'error' }, history: { clicks: 'b.csv' } },
    staging: { folder: 'elsewhere' },
  },
} as const

test('environments share the registry, and have stores and severities of their own', () => {
  assert.deepEqual(environmentOf(config), {
    name: 'dev',
    declared: ['dev', 'prod', 'staging'],
    config: {
      folder: '.lockstep',
      registry: { sqlite: '.lockstep/registry.sqlite' },
      history: { orders: 'a.csv' },
      checks: { owner: 'error' },
    },
  })
  const { config: prod } = environmentOf(config, 'prod')
  assert.deepEqual(prod, {
    folder: '.lockstep/environments/prod',
    online: 'memory',
    registry: { sqlite: '.lockstep/registry.sqlite' },
    history: { orders: 'a.csv', clicks: 'b.csv' },
    checks: { owner: 'error', description: 'error' },
  })
  assert.equal(environmentOf(config, 'staging').config.folder, 'elsewhere')
  assert.deepEqual(environmentOf({ ...config, registry: { postgres: 'url' } }, 'prod').config.registry, { postgres: 'url' })
  assert.equal(environmentOf({ environment: 'main' }).name, 'main')
  assert.equal(environmentOf({ environment: 'main' }).config.folder, '.lockstep')
})

test('policies of an environment come to those of all', () => {
  const [all, more] = ['for-all', 'for-prod'].map((name) => policy({ name, severity: 'error', check: () => [] })) as [Policy, Policy]
  const governed = { policies: [all], environments: { prod: { policies: [more, all] }, staging: { policies: [] } } }
  const namesIn = (name: string) => environmentOf(governed, name).config.policies?.map((one) => one.name)
  assert.deepEqual(['dev', 'prod', 'staging'].map(namesIn), [['for-all'], ['for-all', 'for-prod'], ['for-all']])
})

test('names that are none, or of environments that nobody has made, are refused', () => {
  assert.throws(() => environmentOf({}, '../x'), { code: 'INVALID_ARGUMENT' })
  const refuse = (settings: Parameters<typeof environmentOf>[0], name: string, applied: string[] = []) =>
    refuseUnknown(environmentOf(settings, name), applied)
  const named = (message: RegExp) => ({ code: 'INVALID_ARGUMENT', message, remedy: /--new-environment.*`environments`/ })
  assert.throws(() => refuse(config, 'prd'), named(/no environment prd; there are dev, prod, staging; did you mean prod\?/))
  assert.throws(() => refuse({}, 'prd', ['prod']), named(/^There is no environment prd; there are dev, prod; did you mean prod\?$/))
  assert.throws(() => refuse({ environment: 'main' }, 'dev'), named(/^There is no environment dev; there are main$/))
  for (const name of ['prod', 'staging', 'dev']) refuse(config, name)
  refuse({}, 'prod', ['prod'])
  refuse({ environments: { prod: { folder: tmpdir() } } }, 'prod')
})

test('environments that would overwrite each other are refused, and those with places of their own are not', () => {
  const [first, other] = ['redis://a:b@one.internal/0', 'redis://one.internal/0']
  const shared: [config: Parameters<typeof environmentOf>[0], what: RegExp, remedy: RegExp][] = [
    [{ environments: { prod: { folder: './.lockstep' } } }, /prod and dev have one folder/, /folder of its own/],
    [{ online: { redis: first }, environments: { prod: { online: { redis: other } } } }, /one online store/, /prefix/],
    [{ online: { redis: first }, environments: { prod: {} } }, /one online store/, /prefix/],
    [{ online: { redis: first } }, /one online store/, /prefix/],
    [
      { online: { postgres: 'postgres://h/a' }, environments: { prod: { online: { postgres: { url: 'postgres://h/a' } } } } },
      /store/,
      /schema/,
    ],
  ]
  const kafka = { kafka: ['a:9092', 'b'] }
  shared.push(
    [{ log: kafka, environments: { prod: {} } }, /one Kafka, where they read and write the same topics/, /prefix: 'prod\.'/],
    [{ log: kafka, environments: { prod: { log: { kafka: { brokers: ['b:9092'] } } } } }, /one Kafka/, /prefix/],
  )
  for (const [settings, message, remedy] of shared)
    assert.throws(() => environmentOf(settings, 'prod'), { code: 'INVALID_ARGUMENT', message, remedy })
  const apart: Parameters<typeof environmentOf>[0][] = [
    { online: { redis: first }, environments: { prod: { online: { redis: { url: other, prefix: 'prod' } } } } },
    { online: { redis: first }, environments: { prod: { online: 'lmdb' } } },
    { online: { postgres: 'postgres://h/a' }, environments: { prod: { online: { postgres: { url: 'postgres://h/a', schema: 'prod' } } } } },
    { online: 'memory' },
    { log: kafka, environments: { prod: { log: { kafka: { brokers: ['b'], prefix: 'prod.' } } } } },
    { log: kafka, environments: { prod: { log: { kafka: ['c'] } } } },
    { log: kafka, environments: { prod: { log: 'segments' } } },
  ]
  for (const settings of apart) assert.equal(environmentOf(settings, 'prod').name, 'prod')
  assert.equal(environmentOf({ online: { redis: first } }).name, 'dev')
})
