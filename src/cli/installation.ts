import { readFileSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * The program of the project's own installation of Lockstep as a URL; null where it has none, or where that is this one, in
 * `own`. A project's definitions import its own installation, and definitions of another copy mean nothing to this one.
 */
export function projectInstallation(commandLine: readonly string[], own: string): string | null {
  try {
    const manifest = createRequire(join(resolve(projectOption(commandLine)), 'package.json')).resolve('lockstep/package.json')
    const folder = realpathSync(dirname(manifest))
    if (folder === realpathSync(own)) return null
    const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { bin: { lockstep: string } }
    return pathToFileURL(join(folder, bin.lockstep)).href
  } catch {
    return null
  }
}

/** The value of `--project`, read before anything else is. */
function projectOption(commandLine: readonly string[]): string {
  const place = commandLine.findIndex((argument) => argument === '--project' || argument === '-p')
  const joined = commandLine.find((argument) => argument.startsWith('--project='))
  return (place < 0 ? joined?.slice('--project='.length) : commandLine[place + 1]) ?? '.'
}
