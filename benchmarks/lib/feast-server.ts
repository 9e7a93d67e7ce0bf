import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { feast } from '../../scripts/feast.ts'
import { freePort } from '../../scripts/kafka/broker.ts'
import { run } from '../../scripts/run.ts'
import { Duck, quoteLiteral } from '../../src/offline/index.ts'
import { end } from './data.ts'
import { profileColumns } from './online-features.ts'

/** Feast's own Python server over the rows of a table, in a Redis: three feature views of 20, 20 and 10 columns. */
export interface FeastServer {
  readonly port: number
  readonly version: string
  /** The 50 features, as its requests name them. */
  readonly features: readonly string[]
  stop(): Promise<void>
}

const views = { one: 20, two: 20, three: 10 }
const columnsOf = (count: number) => Object.keys(profileColumns).slice(-count)

/** The types of Feast for the types of columns; it has no decimal. */
const feastTypes: Readonly<Record<string, string>> = {
  float: 'Float64',
  decimal: 'Float64',
  integer: 'Int64',
  boolean: 'Bool',
  timestamp: 'UnixTimestamp',
}

export async function startFeast(profiles: string, redisPort: number, folder: string): Promise<FeastServer | { readonly skipped: string }> {
  const found = await feast()
  if ('skipped' in found) return found
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const rows = join(folder, 'profiles.parquet')
  {
    await using duck = await Duck.open()
    const select = `SELECT * REPLACE (balance::DOUBLE AS balance, user_id::BIGINT AS user_id) FROM ${quoteLiteral(profiles)}`
    await duck.run(`COPY (${select}) TO ${quoteLiteral(rows)} (FORMAT parquet)`)
  }
  writeFileSync(
    join(folder, 'feature_store.yaml'),
    [
      'project: bench',
      'registry: registry.db',
      'provider: local',
      'entity_key_serialization_version: 3',
      `online_store: { type: redis, connection_string: "127.0.0.1:${redisPort},db=1" }`,
      'offline_store: { type: file }',
    ].join('\n'),
  )
  writeFileSync(join(folder, 'definitions.py'), definitions(rows))
  const environment = { ...process.env, FEAST_USAGE: 'False', PYTHONWARNINGS: 'ignore' }
  const feastCommand = async (...given: string[]) => {
    const { code, stdout, stderr } = await run(found.python, ['-m', 'feast.cli.cli', ...given], { cwd: folder, environment })
    if (code !== 0) throw new Error(`feast ${given[0]} failed: ${stdout.slice(-2000)} ${stderr.slice(-2000)}`)
  }
  await feastCommand('apply')
  await feastCommand('materialize', '2000-01-01T00:00:00', end.toISOString().slice(0, 19))
  const port = await freePort()
  // By default it begins its worker anew after a thousand requests, and drops those that are under way.
  const lasting = ['--no-access-log', '--max-requests', '1000000000']
  const child = spawn(found.python, ['-m', 'feast.cli.cli', 'serve', '-h', '127.0.0.1', '-p', String(port), ...lasting], {
    cwd: folder,
    env: environment,
    stdio: 'ignore',
    detached: true,
  })
  await untilHealthy(port, child)
  const features = Object.entries(views).flatMap(([view, count]) => columnsOf(count).map((column) => `${view}:${column}`))
  return { port, version: found.version, features, stop: () => stopGroup(child) }
}

function definitions(rows: string): string {
  const fields = (count: number) =>
    columnsOf(count).map((column) => {
      const { kind } = profileColumns[column as keyof typeof profileColumns].data
      return `Field(name="${column}", dtype=${feastTypes[kind] ?? 'String'})`
    })
  return [
    'from datetime import timedelta',
    'from feast import Entity, FeatureView, Field, FileSource, ValueType',
    'from feast.types import Bool, Float64, Int64, String, UnixTimestamp',
    'user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)',
    `source = FileSource(name="profiles", path=${JSON.stringify(rows)}, timestamp_field="at")`,
    ...Object.entries(views).map(
      ([view, count]) =>
        `${view} = FeatureView(name="${view}", entities=[user], ttl=timedelta(days=0), schema=[${fields(count).join(', ')}], source=source)`,
    ),
    '',
  ].join('\n')
}

async function untilHealthy(port: number, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 240; tries++) {
    if (child.exitCode !== null) throw new Error(`feast serve ended with code ${child.exitCode}`)
    const answer = await fetch(`http://127.0.0.1:${port}/health`).catch(() => null)
    if (answer?.status === 200) return
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
  await stopGroup(child)
  throw new Error('feast serve does not answer')
}

/** It has processes of its own. */
async function stopGroup(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.pid === undefined) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  process.kill(-child.pid, 'SIGKILL')
  await ended
}
