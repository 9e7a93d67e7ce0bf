import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Catalogue, catalogueOf, type Definition, FeatureGroup, FeatureView, loadDefinitions, OnDemand } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import type { ProjectConfig, Store } from '../store/index.ts'
import { readConfig } from './config.ts'
import { movedHistories, type Places } from './moved-histories.ts'

export interface ProjectOptions {
  readonly project?: string
  readonly definitions?: string
  readonly history?: Readonly<Record<string, string>>
}

const defaultDefinitions = ['definitions.ts', 'definitions.js', 'definitions']

/** A folder with definitions. Paths within it are relative to it, those of the command line to where the user is. */
export class Project {
  readonly config: ProjectConfig
  readonly definitions: readonly Definition[]
  readonly catalogue: Catalogue
  readonly #places: Places
  readonly #userFolder: string

  private constructor(config: ProjectConfig, definitions: readonly Definition[], places: Places, userFolder: string) {
    this.config = config
    this.definitions = definitions
    this.catalogue = catalogueOf(definitions)
    this.#places = places
    this.#userFolder = userFolder
  }

  /** Loads a project and makes its folder the working folder. Throws `INVALID_ARGUMENT`, and as `loadDefinitions`. */
  static async load(options: ProjectOptions): Promise<Project> {
    const userFolder = process.cwd()
    const folder = resolve(options.project ?? '.')
    if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
      throw new LockstepError('INVALID_ARGUMENT', `There is no folder ${folder}`, {
        remedy: 'Name the folder of the project: --project FOLDER.',
      })
    }
    process.chdir(folder)
    const config = await readConfig(folder)
    const path = options.definitions === undefined ? (config.definitions ?? foundDefinitions()) : resolve(userFolder, options.definitions)
    const definitions = await loadDefinitions(path)
    refuseOtherCopy(definitions)
    const given = Object.entries(options.history ?? {}).map(([source, place]) => [source, fromUser(userFolder, place)])
    return new Project(config, definitions, { ...config.history, ...Object.fromEntries(given) }, userFolder)
  }

  /** A path of the command line as seen from the project's folder. */
  path(path: string): string {
    return fromUser(this.#userFolder, path)
  }

  /** Opens the store of the project. Throws `UNKNOWN_NAME` where a history is given for no source. */
  async open(): Promise<Store> {
    const { definitions, history: _history, checks: _checks, ...settings } = this.config
    const { openStore } = await import('../store/index.ts')
    return await openStore({ ...settings, definitions: this.definitions, history: movedHistories(this.catalogue.sources, this.#places) })
  }
}

/** Where the user is in the project's folder, paths stay as they are written. */
const fromUser = (userFolder: string, path: string): string => (userFolder === process.cwd() ? path : resolve(userFolder, path))

function foundDefinitions(): string {
  const found = defaultDefinitions.find((name) => existsSync(name))
  if (found !== undefined) return found
  throw new LockstepError('INVALID_ARGUMENT', `There are no definitions in ${process.cwd()}`, {
    remedy: 'Write definitions.ts or a folder definitions, name another place with --definitions, or begin with lockstep init.',
  })
}

/** Definitions of another copy of the package look right, and are of other classes. */
function refuseOtherCopy(definitions: readonly Definition[]): void {
  const classed = ['featureView', 'featureGroup', 'onDemand']
  const own = [FeatureView, FeatureGroup, OnDemand]
  const foreign = definitions.find((definition) => classed.includes(definition.kind) && !own.some((each) => definition instanceof each))
  if (!foreign) return
  throw new LockstepError('INVALID_DEFINITION', 'The definitions import another copy of lockstep than the one that runs', {
    where: foreign.name,
    remedy: 'Run the command that is installed in the project: npx lockstep.',
  })
}
