import { type AnyView, type Definition, FeatureGroup, FeatureView, highestVersion } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { suggestion } from '../lib/suggestion.ts'
import type { Head } from '../registry/index.ts'

/** The definitions that a store works with at a time. They are replaced as a whole. */
export class Adopted {
  readonly definitions: readonly Definition[]
  readonly views: readonly FeatureView[]
  readonly groups: readonly FeatureGroup[]
  /** What they were made of; null where they come from files. */
  readonly head: Head | null

  constructor(definitions: readonly Definition[], head: Head | null = null) {
    this.definitions = definitions
    this.views = definitions.filter((definition): definition is FeatureView => definition instanceof FeatureView)
    this.groups = definitions.filter((definition): definition is FeatureGroup => definition instanceof FeatureGroup)
    this.head = head
  }

  /** A view by its name: unless a version is given, in the one that is current, else the highest that is no draft. Throws `UNKNOWN_NAME`. */
  view(name: string, version = this.head?.current.get(name)): FeatureView {
    return named('view', this.views, name, version ?? highestVersion(this.views.filter((view) => view.name === name))?.version)
  }

  group(name: string, version?: number): FeatureGroup {
    return named('group', this.groups, name, version)
  }

  /** Whether requests that name no version get this one. */
  isCurrent(view: AnyView): boolean {
    return this.view(view.name).version === view.version
  }
}

function named<T extends { readonly name: string; readonly version: number }>(
  what: string,
  all: readonly T[],
  name: string,
  version: number | undefined,
): T {
  const found = all.filter((one) => one.name === name).sort((a, b) => b.version - a.version)
  if (found.length === 0)
    throw new LockstepError('UNKNOWN_NAME', `There is no ${what} ${name}${suggestion(name, [...new Set(all.map((one) => one.name))])}`)
  const one = version === undefined ? found[0] : found.find((candidate) => candidate.version === version)
  if (!one)
    throw new LockstepError(
      'UNKNOWN_NAME',
      `There is no version ${version} of the ${what} ${name}; there are ${found.map((candidate) => candidate.version).join(', ')}`,
    )
  return one
}
