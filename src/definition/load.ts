import { readdirSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { LockstepError } from '../errors.ts'
import type { Entity } from './entity.ts'
import type { FeatureGroup } from './group.ts'
import { displayPath, loadError } from './load-error.ts'
import type { OnDemand } from './on-demand.ts'
import { offerOwnPackage } from './own-package.ts'
import type { Source } from './source.ts'
import type { FeatureView } from './view.ts'

export type Definition = Entity | Source | FeatureGroup | OnDemand | FeatureView

/** What each kind of definition is called; the definitions called the same have different names. */
const called: Readonly<Record<Definition['kind'], string>> = {
  entity: 'entity',
  events: 'source',
  table: 'source',
  featureGroup: 'feature group',
  onDemand: 'on-demand view',
  featureView: 'feature view',
}

/**
 * The definitions that a module exports, or those of all modules (`.ts`, `.js`, without tests) directly in a folder, each
 * once, in order of file and exported name.
 *
 * Throws `INVALID_ARGUMENT` where there is no such module, `INVALID_DEFINITION` with file and line where one cannot be
 * loaded, `CIRCULAR_IMPORT` with the modules that import each other, and `DUPLICATE_NAME` where two definitions of one
 * kind, name and version differ. An error of a definition keeps its code and gains the file and line. `asUrl`: under which URL a
 * module is imported.
 */
export async function loadDefinitions(path: string, asUrl = (url: string) => url): Promise<readonly Definition[]> {
  const places = new Map<Definition, string>()
  const owners = new Map<string, Definition>()
  offerOwnPackage()
  for (const url of moduleUrls(path).map(asUrl)) {
    for (const [name, value] of Object.entries(await importModule(url))) {
      if (!isDefinition(value) || places.has(value)) continue
      places.set(value, `${name} of ${displayPath(url)}`)
      const identity = `${called[value.kind]} ${value.name}${'version' in value ? ` version ${value.version}` : ''}`
      const owner = owners.get(identity)
      if (owner)
        throw new LockstepError('DUPLICATE_NAME', `There are two definitions of ${identity}: ${places.get(owner)} and ${places.get(value)}`)
      owners.set(identity, value)
    }
  }
  return [...places.keys()]
}

async function importModule(url: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await import(url)
  } catch (error) {
    throw loadError(error, url)
  }
}

function moduleUrls(path: string): string[] {
  const found = statSync(path, { throwIfNoEntry: false })
  if (!found)
    throw new LockstepError('INVALID_ARGUMENT', `There is no file or folder ${path}`, {
      remedy: 'Check the path; it is relative to the working folder.',
    })
  const real = realpathSync(path)
  const names = found.isDirectory() ? readdirSync(real).filter((name) => /\.[jt]s$/.test(name) && !/\.(test|d)\.[jt]s$/.test(name)) : ['']
  if (names.length === 0)
    throw new LockstepError('INVALID_ARGUMENT', `The folder ${path} holds no module`, {
      remedy: 'Name a folder with .ts or .js files, or a file.',
    })
  return names.sort().map((name) => pathToFileURL(join(real, name)).href)
}

const isDefinition = (value: unknown): value is Definition =>
  typeof value === 'object' && value !== null && 'name' in value && 'kind' in value && Object.hasOwn(called, value.kind as PropertyKey)
