import { statSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import { isOwnModule } from './caller-module.ts'
import { type Definition, loadDefinitions } from './load.ts'

/** Definitions of modules as they are now, and the files of those modules. */
export interface Reloaded {
  readonly definitions: readonly Definition[]
  readonly files: readonly string[]
}

const parameter = 'generation'
let generation = 0
/** The files of each generation that is being loaded. */
const loading = new Map<string, Set<string>>()

/**
 * Loads definitions again from modules that this process has imported already, with all modules of the project that they import;
 * packages stay as they are. What was loaded before goes on as it is, and its memory is not given back. Throws as `loadDefinitions`.
 */
export async function reloadDefinitions(path: string): Promise<Reloaded> {
  if (generation === 0) inheritGeneration()
  const mark = String(++generation)
  const files = new Set<string>()
  loading.set(mark, files)
  try {
    const definitions = await loadDefinitions(path, (url) => marked(url, mark))
    return { definitions, files: [...files].sort() }
  } finally {
    loading.delete(mark)
  }
}

/** What tells whether files have changed since. */
export const fingerprintOf = (files: readonly string[]): string =>
  files
    .map((file) => {
      const found = statSync(file, { throwIfNoEntry: false })
      return found ? `${found.mtimeMs} ${found.size}` : ''
    })
    .join('\n')

/** Modules that one of a generation imports are of the same generation. */
function inheritGeneration(): void {
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const resolved = nextResolve(specifier, context)
      const mark = context.parentURL?.startsWith('file:') ? new URL(context.parentURL).searchParams.get(parameter) : null
      if (mark === null || !isOfProject(resolved.url)) return resolved
      return { ...resolved, url: marked(resolved.url, mark) }
    },
  })
}

function marked(module: string, mark: string): string {
  const url = new URL(module)
  url.searchParams.set(parameter, mark)
  loading.get(mark)?.add(fileURLToPath(url))
  return url.href
}

const isOfProject = (url: string): boolean => url.startsWith('file:') && !url.includes('/node_modules/') && !isOwnModule(url)
