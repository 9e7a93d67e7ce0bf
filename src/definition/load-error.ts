import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LockstepError } from '../errors.ts'
import { isOwnModule } from './caller-module.ts'
import { readCodeModule } from './code-module.ts'
import { importCycle, importedModules } from './import-cycle.ts'

interface Place {
  readonly url: string
  readonly line: number
}

/** A file as people name it: relative to the working folder. */
export const displayPath = (url: string): string => relative(process.cwd(), fileURLToPath(url)).replaceAll('\\', '/')

/** What an error that was thrown while `url` was imported means, with the file and line where that can be found out. */
export function loadError(error: unknown, url: string): LockstepError {
  if (!(error instanceof Error))
    return new LockstepError('INVALID_DEFINITION', `Loading threw ${String(error)}`, { where: displayPath(url), cause: error })
  const places = placesOf(error)
  return (
    circularImport(error, places) ??
    missingImport(error) ??
    invalidDefinition(error, places[0] ?? (error instanceof SyntaxError ? syntaxErrorPlace(url) : null) ?? url)
  )
}

function invalidDefinition(error: Error, place: Place | string): LockstepError {
  const where = typeof place === 'string' ? displayPath(place) : `${displayPath(place.url)}:${place.line}`
  if (error instanceof LockstepError) {
    return new LockstepError(error.code, bareMessage(error), {
      where: error.where ? `${error.where}, ${where}` : where,
      remedy: error.remedy,
      cause: error,
    })
  }
  const isMissingExport = / does not provide an export named /.test(error.message)
  return new LockstepError(
    'INVALID_DEFINITION',
    error instanceof SyntaxError ? error.message : `Loading threw ${error.name}: ${error.message}`,
    {
      where,
      cause: error,
      ...(isMissingExport ? { remedy: 'Correct the name; types are imported with `import type`.' } : {}),
    },
  )
}

/** A definition that was undefined, or not yet initialised, in a module that imports itself through others. */
function circularImport(error: Error, places: readonly Place[]): LockstepError | null {
  const early = /^Cannot access '(.+)' before initialization$/.exec(error.message)?.[1]
  const isSuspect =
    early !== undefined || (error instanceof LockstepError && error.code === 'CIRCULAR_IMPORT') || /\bundefined\b/.test(error.message)
  const [place] = places
  if (!isSuspect || !place || (early !== undefined && isUsedWhereDeclared(early, places))) return null
  const cycle = [...new Set(places.map(({ url }) => url))].map(importCycle).find((found) => found !== null)
  if (!cycle) return null
  const what = early === undefined ? bareMessage(error) : `${early} is used before its module has finished loading`
  const subject = error instanceof LockstepError && error.where ? `${error.where}, ` : ''
  return new LockstepError('CIRCULAR_IMPORT', `${what}; modules import each other: ${cycle.map(displayPath).join(' -> ')}`, {
    where: `${subject}${displayPath(place.url)}:${place.line}`,
    cause: error,
  })
}

function isUsedWhereDeclared(name: string, places: readonly Place[]): boolean {
  const urls = new Set(places.map(({ url }) => url))
  return urls.size === 1 && [...urls].some((url) => readCodeModule(url).parts.some(({ names }) => names.includes(name)))
}

function missingImport(error: Error): LockstepError | null {
  if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') return null
  const [, kind, name = '', importer = ''] = /^Cannot find (module|package) '(.+)' imported from (.+)$/.exec(error.message) ?? []
  if (!kind) return null
  const what = kind === 'module' ? relative(process.cwd(), name).replaceAll('\\', '/') : name
  return new LockstepError('INVALID_DEFINITION', `The ${kind} ${what}, which is imported, cannot be found`, {
    where: relative(process.cwd(), importer).replaceAll('\\', '/'),
    remedy:
      kind === 'module'
        ? 'Correct the path; it is relative to the importing file and ends in .ts or .js.'
        : `Install it: npm install ${name}`,
    cause: error,
  })
}

const bareMessage = (error: Error): string =>
  error instanceof LockstepError && error.where ? error.message.slice(0, -` (${error.where})`.length) : error.message

/** The places in the modules being loaded that the stack names, innermost first. */
function placesOf({ stack = '' }: Error): Place[] {
  const untilLoading = stack.split(/at (?:async )?ModuleJob\b/)[0] ?? ''
  return [...untilLoading.matchAll(/(file:\/\/[^\s()]+?):(\d+)(?::\d+)?\)?$/gm)]
    .map(([, url = '', line]) => ({ url, line: Number(line) }))
    .filter(({ url }) => !isOwnModule(url))
}

/** For errors in JavaScript, whose place the engine does not tell. */
function syntaxErrorPlace(url: string): Place | null {
  for (const module of importedModules(url)) {
    try {
      readCodeModule(module)
    } catch (error) {
      const line = (error as { loc?: { line: number } }).loc?.line
      if (line !== undefined) return { url: module, line }
    }
  }
  return null
}
