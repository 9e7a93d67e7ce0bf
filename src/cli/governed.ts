import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { catalogueOf, type Definition, type History, type SourceData } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { targetOf } from '../plan/index.ts'
import { type Applied, itemChanges, type Registry } from '../registry/index.ts'
import type { ProjectConfig } from '../store/index.ts'

/** The registry of a project; null where it is a file that nobody has made yet. */
export async function existingRegistry({ registry }: ProjectConfig): Promise<Registry | null> {
  if (typeof registry === 'object' && 'sqlite' in registry && !existsSync(registry.sqlite)) return null
  return await projectRegistry({ registry: registry ?? 'sqlite' })
}

export async function projectRegistry({ registry, folder }: Pick<ProjectConfig, 'registry' | 'folder'>): Promise<Registry> {
  // The stores come with their drivers, which commands that need none do not wait for.
  const { openRegistry } = await import('../store/index.ts')
  return openRegistry({ ...(registry === undefined ? {} : { registry }), ...(folder === undefined ? {} : { folder }) })
}

/** What is applied in an environment, with the functions of on-demand views that the files have; null where nothing ever was. */
export async function appliedDefinitions(registry: Registry, environment: string, files: readonly Definition[]): Promise<Applied | null> {
  const codes = new Map(catalogueOf(files).onDemand.map((one) => [one.code, one]))
  return await registry.applies.applied(environment, ({ code }) => codes.get(code))
}

/** The same, whole without any file: to know what is applied, and not to compute by it. */
export async function appliedWithoutCode(registry: Registry, environment: string): Promise<Applied | null> {
  return await registry.applies.applied(environment, ({ name }) => ({
    compute: () => {
      throw new LockstepError('DEFINITION_MISMATCH', `The files with the code of ${name} were not loaded`)
    },
  }))
}

/** Whether the files say what is applied, but for versions that they raised or do not have any more. */
export async function differsFromFiles(registry: Registry, { head }: Applied, files: readonly Definition[]): Promise<boolean> {
  return itemChanges(head.items, targetOf(files, await registry.applies.items(head)).snapshot).length > 0
}

/** Rows in memory are in no registry: sources take them from the files. */
export function rowHistories(files: readonly SourceData[], applied: readonly SourceData[]): Readonly<Record<string, History>> {
  const rows = files.flatMap(({ name, history }) => (history?.kind === 'rows' ? [[name, history] as const] : []))
  return Object.fromEntries(rows.filter(([name]) => applied.some((source) => source.name === name && source.history === null)))
}

/** Throws `INVALID_ARGUMENT` where the files are asked for by a command that changes what is applied, and is judged by that alone. */
export function refuseFiles(command: Command): void {
  const { files, definitions } = command.optsWithGlobals<{ readonly files?: boolean; readonly definitions?: string }>()
  const option = files === true ? '--files' : definitions === undefined ? null : '--definitions'
  if (option !== null)
    throw new LockstepError('INVALID_ARGUMENT', `${option} does not go with lockstep ${command.name()}, which goes by what is applied`, {
      remedy: `Leave ${option} out.`,
    })
}
