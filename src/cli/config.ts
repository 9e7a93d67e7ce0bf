import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { offerOwnPackage } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { suggestion } from '../lib/suggestion.ts'
import type { ProjectConfig } from '../store/index.ts'

const names = ['lockstep.config.ts', 'lockstep.config.js', 'lockstep.config.json']
const isText = (value: unknown) => typeof value === 'string'
const isRecord = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value)

const settings: { readonly [Name in keyof Required<ProjectConfig>]: readonly [check: (value: unknown) => boolean, what: string] } = {
  definitions: [isText, 'a path'],
  folder: [isText, 'a path'],
  online: [
    (value) => value === 'lmdb' || value === 'memory' || isRecord(value),
    "'lmdb', 'memory', { redis: url }, { postgres: url } or a driver",
  ],
  log: [(value) => value === 'segments' || isRecord(value), "'segments', { kafka: [brokers] } or a driver"],
  registry: [
    (value) => value === 'sqlite' || isRecord(value),
    "'sqlite', { sqlite: path, retention }, { postgres: url, retention } or a driver",
  ],
  history: [isRecord, 'an object: the path or history of each source by its name'],
  openLineage: [
    (value) => isRecord(value) && ('file' in (value as object) || 'url' in (value as object)),
    '{ file: path } or { url: address }',
  ],
  statistics: [(value) => typeof value === 'boolean', 'true or false'],
  checks: [isRecord, "an object: 'error', 'warning' or 'off' of each rule by its name"],
  policies: [Array.isArray, 'a list of policies, made by policy(...)'],
  environment: [isText, 'a name'],
  environments: [isRecord, 'an object: the settings of each environment by its name'],
}

/** What holds for all environments. */
const projectWide: ReadonlySet<string> = new Set(['registry', 'environment', 'environments'])

/** The settings of the project in a folder; none where it has no such file. Throws `INVALID_ARGUMENT` with the file. */
export async function readConfig(folder: string): Promise<ProjectConfig> {
  const [name, other] = names.filter((candidate) => existsSync(join(folder, candidate)))
  if (name === undefined) return {}
  const refuse = (message: string, cause?: unknown) =>
    new LockstepError('INVALID_ARGUMENT', message, {
      where: name,
      remedy: 'Correct the file; docs/reference/cli.md lists its settings.',
      cause,
    })
  if (other !== undefined) throw refuse(`The project has ${name} and also ${other}`)
  const config = await load(join(folder, name)).catch((error: Error) => {
    throw refuse(`The settings cannot be loaded: ${error.message}`, error)
  })
  if (!isRecord(config)) throw refuse('The settings are no object; export them as default')
  const problem = problemOf(config) ?? environmentProblem((config as ProjectConfig).environments ?? {})
  if (problem) throw refuse(problem)
  return config as ProjectConfig
}

/** What is wrong with settings; undefined where nothing is. */
function problemOf(config: unknown): string | undefined {
  for (const [setting, value] of Object.entries(config as object)) {
    if (!Object.hasOwn(settings, setting)) return `There is no setting ${setting}${suggestion(setting, Object.keys(settings))}`
    const [check, what] = settings[setting as keyof ProjectConfig]
    if (value !== undefined && !check(value)) return `The setting ${setting} must be ${what}`
  }
  return undefined
}

function environmentProblem(environments: NonNullable<ProjectConfig['environments']>): string | undefined {
  for (const [name, own] of Object.entries(environments)) {
    const wide = isRecord(own) ? Object.keys(own).find((setting) => projectWide.has(setting)) : undefined
    if (wide !== undefined) return `The setting ${wide} is one for all environments, and not of ${name}`
    const problem = isRecord(own) ? problemOf(own) : 'The settings are no object'
    if (problem !== undefined) return `${problem} (environment ${name})`
  }
  return undefined
}

async function load(path: string): Promise<unknown> {
  if (path.endsWith('.json')) return JSON.parse(readFileSync(path, 'utf8'))
  offerOwnPackage()
  return ((await import(pathToFileURL(path).href)) as { default?: unknown }).default
}
