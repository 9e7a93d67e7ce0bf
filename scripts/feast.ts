import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Finished, run } from './run.ts'

/** The release that tests and benchmarks are held against, with what it needs for Redis. */
const release = { package: 'feast[redis]', version: '0.67.0' }

/** The oldest that this release runs on. */
const oldestPython = [3, 10] as const

export interface Feast {
  /** The interpreter of the environment: `python -m feast.cli.cli`, or a script that imports `feast`. */
  readonly python: string
  readonly version: string
}

/**
 * Feast, another feature store, in a virtual environment of its own below the cache folder of the user: what its clients expect of a
 * server, and how fast its own is. It is installed once, from PyPI or what the machine's settings put in its place; some 0.6 GB. Where
 * that cannot be, it says why, and tests are skipped, by name and with the reason.
 */
export async function feast(): Promise<Feast | { readonly skipped: string }> {
  const found = await environment()
  if (!('missing' in found)) return { ...found, version: release.version }
  return { skipped: found.missing }
}

async function environment(): Promise<{ readonly python: string } | { readonly missing: string }> {
  const caches = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  const folder = join(caches, 'lockstep', `feast-${release.version}`)
  const python = join(folder, 'bin', 'python')
  if (existsSync(python)) return { python }
  const base = await basePython()
  if (base === undefined) return { missing: `there is no Python from ${oldestPython.join('.')} on` }
  const problem = await installInto(folder, base)
  return problem === undefined ? { python } : { missing: `Feast cannot be installed: ${problem}` }
}

async function basePython(): Promise<string | undefined> {
  const check = `import sys, venv, ensurepip; sys.exit(sys.version_info < (${oldestPython.join(', ')}))`
  for (const name of ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.10']) {
    if ((await attempt(name, ['-c', check], 30))?.code === 0) return name
  }
  return undefined
}

/** The folder appears under its name when it is whole, so that several processes may do this at once. */
async function installInto(folder: string, base: string): Promise<string | undefined> {
  const partial = `${folder}.${process.pid}`
  mkdirSync(dirname(folder), { recursive: true })
  try {
    const made = await attempt(base, ['-m', 'venv', partial], 120)
    if (made?.code !== 0) return lastLine(made) ?? 'Python makes no environment'
    const choices = ['--quiet', '--no-input', '--disable-pip-version-check', '--prefer-binary']
    const python = join(partial, 'bin', 'python')
    const done = await attempt(python, ['-m', 'pip', 'install', ...choices, `${release.package}==${release.version}`], 900)
    if (done?.code !== 0) return lastLine(done) ?? 'pip did not run'
    if (!existsSync(folder)) renameSync(partial, folder)
    return undefined
  } finally {
    rmSync(partial, { recursive: true, force: true })
  }
}

const lastLine = (finished: Finished | undefined): string | undefined =>
  finished?.stderr
    .trim()
    .split('\n')
    .findLast((line) => line.startsWith('ERROR'))
    ?.slice(7)

async function attempt(program: string, programArguments: readonly string[], timeoutSeconds: number): Promise<Finished | undefined> {
  try {
    return await run(program, programArguments, { cwd: homedir(), timeoutSeconds })
  } catch {
    return undefined
  }
}

if (import.meta.main) {
  const found = await feast()
  if ('skipped' in found) {
    console.error(found.skipped)
    process.exitCode = 1
  } else console.log(`Feast ${found.version}: ${found.python}`)
}
