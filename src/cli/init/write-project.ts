import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LockstepError } from '../../errors.ts'
import { json, projectFiles } from './project-files.ts'
import { sampleData } from './sample-data.ts'

export interface NewProject {
  readonly written: readonly string[]
  /** Files that a folder may have already, and that stay as they are. */
  readonly kept: readonly string[]
}

const mayBeThere = ['package.json', 'tsconfig.json', '.gitignore', 'README.md']

/** Writes a project into a folder, which may be new. Throws `OUTPUT_EXISTS`, before it writes anything. */
export function writeProject(folder: string, now: Date): NewProject {
  const files: Record<string, string> = { ...projectFiles(packageName(folder), dependency(folder), sampleData(now)) }
  if (!importsModules(join(folder, 'package.json'))) files['definitions/package.json'] = json({ type: 'module' })
  const there = Object.keys(files).filter((path) => existsSync(join(folder, path)))
  const refused = there.filter((path) => !mayBeThere.includes(path))
  if (refused.length > 0) {
    throw new LockstepError('OUTPUT_EXISTS', `The folder ${folder} already has ${refused.join(', ')}`, {
      remedy: 'Choose another folder: lockstep init FOLDER.',
    })
  }
  const written = Object.keys(files).filter((path) => !there.includes(path))
  for (const path of written) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), files[path] as string, { flag: 'wx' })
  }
  return { written, kept: there }
}

function packageName(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '')
  return name === '' || name === 'lockstep' ? 'features' : name
}

/** The released package; where this program is a clone of the repository, that clone. */
function dependency(folder: string): string {
  const own = fileURLToPath(new URL('../../..', import.meta.url))
  const { version } = createRequire(import.meta.url)('../../../package.json') as { version: string }
  return own.split(sep).includes('node_modules') ? `^${version}` : `file:${relative(folder, own).replaceAll(sep, '/')}`
}

/** Whether the definitions are read as modules: a manifest that is already there may say otherwise. */
function importsModules(manifest: string): boolean {
  if (!existsSync(manifest)) return true
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { type?: string }).type === 'module'
}
