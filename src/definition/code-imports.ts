import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { createRequire, findPackageJSON, isBuiltin } from 'node:module'
import { pathToFileURL } from 'node:url'
import { isOwnModule } from './caller-module.ts'

/** What a specifier leads to: code or data of the same project, or something known by name and version alone. */
export type ImportTarget =
  | { readonly kind: 'code' | 'data'; readonly url: string }
  | { readonly kind: 'package'; readonly name: string; readonly version: string | null }

const own: ImportTarget = { kind: 'package', name: 'lockstep', version: null }

/**
 * Finds what `specifier` leads to from the module `from` (a file URL); null where it leads nowhere.
 * Packages that are linked from within the project (workspaces) are code of the project.
 */
export function importTarget(specifier: string, from: string): ImportTarget | null {
  if (isBuiltin(specifier)) return { kind: 'package', name: `node:${specifier.replace(/^node:/, '')}`, version: null }
  if (/^(\.|\/|file:)/.test(specifier)) return fileTarget(new URL(specifier, from))
  if (/^lockstep(\/|$)/.test(specifier)) return own
  try {
    if (specifier.startsWith('#')) return fileTarget(pathToFileURL(createRequire(from).resolve(specifier)))
    const description = realpathSync(findPackageJSON(specifier, from) ?? '')
    if (!/[\\/]node_modules[\\/]/.test(description)) return fileTarget(pathToFileURL(createRequire(from).resolve(specifier)))
    const { version } = JSON.parse(readFileSync(description, 'utf8')) as { version?: string }
    return { kind: 'package', name: specifier, version: version ?? null }
  } catch {
    return null
  }
}

/** The file, or the TypeScript file that it is compiled from. */
function fileTarget({ href }: URL): ImportTarget | null {
  const file = withoutQuery(href)
  const found = [file, file.replace(/js$/, 'ts')].find((url) => existsSync(new URL(url)))
  if (!found) return null
  if (isOwnModule(found)) return own
  return { kind: /\.[cm]?[jt]s$/.test(found) ? 'code' : 'data', url: found }
}

export const withoutQuery = (url: string): string => url.replace(/[?#].*$/, '')
