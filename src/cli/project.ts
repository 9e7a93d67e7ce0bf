import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import {
  type Catalogue,
  catalogueOf,
  type Definition,
  FeatureGroup,
  FeatureView,
  type History,
  highestVersion,
  loadDefinitions,
  OnDemand,
} from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { type Applied, type LifeCycle, type Registry, Standings } from '../registry/index.ts'
import type { ProjectConfig, Store } from '../store/index.ts'
import { actingAs } from './acting.ts'
import { readConfig } from './config.ts'
import { type Environment, environmentOf, refuseUnknown } from './environment.ts'
import { find } from './find.ts'
import { appliedDefinitions, appliedWithoutCode, differsFromFiles, existingRegistry, projectRegistry, rowHistories } from './governed.ts'
import { movedHistories, type Places } from './moved-histories.ts'
import type { VersionedName } from './values.ts'

export interface ProjectOptions {
  readonly project?: string
  readonly definitions?: string
  readonly history?: Readonly<Record<string, string>>
  readonly environment?: string
  /** The environment may be one that nobody has made yet. */
  readonly newEnvironment?: boolean
  /** Works with the definitions of the files, also where others are applied. */
  readonly files?: boolean
  /** Who says to be acting. */
  readonly as?: string
  /** Nothing is done for which it counts who is acting: the registry is left alone. */
  readonly anonymous?: boolean
  /** Whether the files are needed where something is applied. Default: always. */
  readonly needsFiles?: FileNeed
}

/**
 * `never`: what is applied is known without their code. `untilApplied`: the same, but while nothing is they are all there is. `rarely`: the
 * same, where they cannot be loaded. `forCode`: where they cannot be loaded, what needs no code of theirs is left.
 */
export type FileNeed = 'always' | 'forCode' | 'rarely' | 'untilApplied' | 'never'

const defaultDefinitions = ['definitions.ts', 'definitions.js', 'definitions']

interface Parts {
  readonly environment: Environment
  readonly files: readonly Definition[]
  readonly unloaded: string | null
  readonly definitionsPath: string
  readonly registry: Registry | null
  readonly applied: Applied | null
  readonly asFiles: boolean
  readonly comparesFiles: boolean
  readonly places: Places
  readonly userFolder: string
  readonly actor: string
}

/** A folder with definitions. Paths within it are relative to it, those of the command line to where the user is. */
export class Project {
  /** The settings that hold in the environment. */
  readonly config: ProjectConfig
  /** The name of the environment. */
  readonly environment: string
  /** What is applied in the environment; null where nothing ever was, or where the files are asked for. */
  readonly applied: Applied | null
  /** The definitions of the project's files; none where they were not loaded. */
  readonly files: readonly Definition[]
  /** Why the files could not be loaded; null where they were, or nobody needs them. */
  readonly unloaded: string | null
  /** Where they are. */
  readonly definitionsPath: string
  /** Those that are applied; those of the files where none are. */
  readonly definitions: readonly Definition[]
  readonly catalogue: Catalogue
  /** Who is acting. */
  readonly actor: string
  readonly #places: Places
  readonly #userFolder: string
  readonly #asFiles: boolean
  readonly #comparesFiles: boolean
  #registry: Registry | null

  private constructor(parts: Parts) {
    const { environment, files, unloaded, definitionsPath, registry, applied, asFiles, comparesFiles, places, userFolder, actor } = parts
    this.config = environment.config
    this.environment = environment.name
    this.applied = applied
    this.files = files
    this.unloaded = unloaded
    this.definitionsPath = definitionsPath
    this.definitions = applied?.definitions ?? files
    this.catalogue = catalogueOf(this.definitions)
    this.#asFiles = asFiles
    this.#comparesFiles = comparesFiles
    this.#registry = registry
    this.#places = places
    this.#userFolder = userFolder
    this.actor = actor
  }

  /** Loads a project and makes its folder the working folder. Throws `INVALID_ARGUMENT`, `UNAUTHENTICATED`, and as `loadDefinitions`. */
  static async load(options: ProjectOptions): Promise<Project> {
    const userFolder = process.cwd()
    const folder = resolve(options.project ?? '.')
    if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
      throw new LockstepError('INVALID_ARGUMENT', `There is no folder ${folder}`, {
        remedy: 'Name the folder of the project: --project FOLDER.',
      })
    }
    process.chdir(folder)
    const settings = await readConfig(folder)
    const environment = environmentOf(settings, options.environment ?? process.env.LOCKSTEP_ENVIRONMENT)
    const { config, declared } = environment
    if (!options.newEnvironment && !declared.includes(environment.name))
      refuseUnknown(environment, (await (await existingRegistry(config))?.applies.environments()) ?? [])
    const asFiles = worksWithFiles(options)
    const registry = options.anonymous ? null : await existingRegistry(config)
    const actor = await actingAs(registry, options)
    const isGoverned = registry !== null && (await registry.applies.head(environment.name)) !== null
    const need = options.needsFiles ?? 'always'
    const isSkipped = (need === 'never' || need === 'untilApplied') && isGoverned && !asFiles
    const { files, definitionsPath, unloaded } = isSkipped
      ? { files: [], definitionsPath: '', unloaded: null }
      : await loadFiles(options.definitions === undefined ? config.definitions : resolve(userFolder, options.definitions)).catch(
          (error: unknown) => {
            const isOptional = options.definitions === undefined && (need === 'never' || (need !== 'always' && isGoverned))
            if (!isOptional || !(error instanceof LockstepError)) throw error
            return { files: [], definitionsPath: '', unloaded: error.message }
          },
        )
    const hasCode = !isSkipped && (unloaded === null || need === 'forCode')
    const applied =
      asFiles || registry === null
        ? null
        : hasCode
          ? await appliedDefinitions(registry, environment.name, files)
          : await appliedWithoutCode(registry, environment.name)
    const comparesFiles = !isSkipped && unloaded === null
    const given = Object.entries(options.history ?? {}).map(([source, place]) => [source, fromUser(userFolder, place)])
    const places = { ...config.history, ...Object.fromEntries(given) }
    const known = { environment, files, unloaded, definitionsPath, registry, applied }
    return new Project({ ...known, asFiles, comparesFiles, places, userFolder, actor })
  }

  /** A path of the command line as seen from the project's folder. */
  path(path: string): string {
    return fromUser(this.#userFolder, path)
  }

  /** A view by its name: unless a version is given, in the one that is current, else the highest that is no draft. Throws `UNKNOWN_NAME`. */
  view({ name, version = this.applied?.head.current.get(name) }: VersionedName): FeatureView {
    const { views } = this.catalogue
    return find('view', views, { name, version: version ?? highestVersion(views.filter((view) => view.name === name))?.version })
  }

  /** The registry of the project, opened when it is first asked for. Closed with the process. */
  async registry(): Promise<Registry> {
    this.#registry ??= await projectRegistry(this.config)
    return this.#registry
  }

  /** Where things stand: as the registry says, unless there is none or only the files are asked for. Makes none. */
  async standings(): Promise<Standings> {
    const cycles = this.#asFiles ? undefined : await this.#registry?.lifeCycles.list(this.environment)
    return new Standings(this.catalogue, cycles ?? [])
  }

  /** What was said in the environment of features, groups and views. Makes no registry. */
  async lifeCycles(): Promise<LifeCycle[]> {
    return (await this.#registry?.lifeCycles.list(this.environment)) ?? []
  }

  /** Whether the files say something else than what is applied. */
  async differsFromFiles(): Promise<boolean> {
    return this.applied !== null && this.#comparesFiles && (await differsFromFiles(await this.registry(), this.applied, this.files))
  }

  /** Other places of histories than definitions declare. Throws `UNKNOWN_NAME` where a history is given for no source. */
  histories({ sources }: Pick<Catalogue, 'sources'> = this.catalogue): Readonly<Record<string, History>> {
    return { ...rowHistories(catalogueOf(this.files).sources, sources), ...movedHistories(sources, this.#places) }
  }

  /**
   * Opens the store of the project, in its environment. What somebody reads by hand is no use of it: only a process that names itself
   * (`LOCKSTEP_CALLER`) is counted. Throws `UNKNOWN_NAME` where a history is given for no source.
   */
  async open(): Promise<Store> {
    const { definitions, history: _history, checks: _checks, policies: _policies, ...settings } = this.config
    const { openUnguarded } = await import('../store/index.ts')
    return await openUnguarded({
      by: this.actor,
      statistics: true,
      ...settings,
      environment: this.environment,
      definitions: this.definitions,
      head: this.applied?.head ?? null,
      history: this.histories(),
    })
  }
}

/** Whether the definitions of the files are asked for: definitions that are named on the command line are those that are meant. */
export const worksWithFiles = ({ files, definitions }: ProjectOptions): boolean => files === true || definitions !== undefined

/** Where the user is in the project's folder, paths stay as they are written. */
const fromUser = (userFolder: string, path: string): string => (userFolder === process.cwd() ? path : resolve(userFolder, path))

/** The definitions of a place; of the usual one where none is given. */
async function loadFiles(given: string | undefined) {
  const definitionsPath = given ?? foundDefinitions()
  const files = await loadDefinitions(definitionsPath)
  refuseOtherCopy(files)
  return { files, definitionsPath, unloaded: null }
}

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
