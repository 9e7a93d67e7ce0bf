import assert from 'node:assert/strict'
import { test } from 'node:test'
import { environmentOf } from './environment.ts'

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

test('names that are none, or not declared, are refused', () => {
  assert.throws(() => environmentOf({}, '../x'), { code: 'INVALID_ARGUMENT' })
  assert.throws(() => environmentOf(config, 'prd'), { code: 'INVALID_ARGUMENT', message: /did you mean prod/ })
  assert.equal(environmentOf({}, 'scratch').name, 'scratch')
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
  for (const [settings, message, remedy] of shared)
    assert.throws(() => environmentOf(settings, 'prod'), { code: 'INVALID_ARGUMENT', message, remedy })
  const apart: Parameters<typeof environmentOf>[0][] = [
    { online: { redis: first }, environments: { prod: { online: { redis: { url: other, prefix: 'prod' } } } } },
    { online: { redis: first }, environments: { prod: { online: 'lmdb' } } },
    { online: { postgres: 'postgres://h/a' }, environments: { prod: { online: { postgres: { url: 'postgres://h/a', schema: 'prod' } } } } },
    { online: 'memory' },
  ]
  for (const settings of apart) assert.equal(environmentOf(settings, 'prod').name, 'prod')
  assert.equal(environmentOf({ online: { redis: first } }).name, 'dev')
})
