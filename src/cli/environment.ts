import { join } from 'node:path'
import { LockstepError } from '../errors.ts'
import { suggestion } from '../lib/suggestion.ts'
import type { ProjectConfig } from '../store/index.ts'

/** An environment of a project: its name, and the settings that hold in it. */
export interface Environment {
  readonly name: string
  readonly config: ProjectConfig
}

const nameForm = /^[a-z][a-z0-9_-]{0,62}$/
const embeddedFolder = '.lockstep'

/**
 * The settings of a project in an environment: what it says of all, and over it what it says of this one. All environments have one
 * registry; each has embedded stores of its own. Throws `INVALID_ARGUMENT` for a name that is none, or not among those declared.
 */
export function environmentOf(config: ProjectConfig, asked?: string): Environment {
  const { environment: own = 'dev', environments = {}, ...shared } = config
  const name = asked ?? own
  if (!nameForm.test(name))
    throw new LockstepError('INVALID_ARGUMENT', `${JSON.stringify(name)} is no name of an environment`, {
      remedy: 'Begin with a letter in lower case; letters, digits, _ and - may follow.',
    })
  const declared = Object.keys(environments)
  if (name !== own && declared.length > 0 && !declared.includes(name))
    throw new LockstepError('INVALID_ARGUMENT', `There is no environment ${name}${suggestion(name, [own, ...declared])}`, {
      remedy: 'Declare it in `environments` of the settings.',
    })
  const base = shared.folder ?? embeddedFolder
  const { registry = 'sqlite' } = shared
  const folder = name === own ? base : join(base, 'environments', name)
  const settings = {
    ...shared,
    folder,
    ...environments[name],
    registry: registry === 'sqlite' ? { sqlite: join(base, 'registry.sqlite') } : registry,
  }
  return {
    name,
    config: {
      ...settings,
      history: { ...shared.history, ...environments[name]?.history },
      checks: { ...shared.checks, ...environments[name]?.checks },
    },
  }
}
