import { isAbsolute } from 'node:path'
import { pathToFileURL } from 'node:url'

/** The folder of this very package's code, `src/` or `dist/`. */
const ownFolder = new URL('../', import.meta.url).href

/** Whether a module is part of Lockstep itself; its tests are not. */
export const isOwnModule = (url: string): boolean => url.startsWith(ownFolder) && !/\.test\.[cm]?[jt]s$/.test(url)

/** The file URL of the module that called into Lockstep: the innermost one on the stack outside of it; null where there is none. */
export function callerModule(): string | null {
  return (
    stackFiles()
      .map((file) => (isAbsolute(file) ? pathToFileURL(file).href : file))
      .find((url) => url.startsWith('file:') && !isOwnModule(url)) ?? null
  )
}

function stackFiles(): string[] {
  const { prepareStackTrace, stackTraceLimit } = Error
  try {
    Error.stackTraceLimit = 100
    Error.prepareStackTrace = (_error, sites) => sites.map((site) => site.getFileName() ?? '')
    return new Error('caller').stack as unknown as string[]
  } finally {
    Error.prepareStackTrace = prepareStackTrace
    Error.stackTraceLimit = stackTraceLimit
  }
}
