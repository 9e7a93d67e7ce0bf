import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { madeOnce } from './made-once.ts'
import { type Finished, run } from './run.ts'

export interface PythonPackage {
  /** As it is called in messages and in the cache folder: `Feast`. */
  readonly name: string
  /** What pip installs: `feast[redis]`. */
  readonly requirement: string
  readonly version: string
}

/** The oldest Python that the releases used here run on. */
const oldestPython = [3, 10] as const

/**
 * The interpreter of a virtual environment of its own that holds a package, below the cache folder of the user. It is installed once, from
 * PyPI or what the machine's settings put in its place. Where that cannot be it says why, and tests are skipped, by name and reason.
 */
export async function pythonWith({
  name,
  requirement,
  version,
}: PythonPackage): Promise<{ readonly python: string } | { readonly skipped: string }> {
  const caches = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  const folder = join(caches, 'lockstep', `${name.toLowerCase()}-${version}`)
  const python = join(folder, 'bin', 'python')
  if (existsSync(python)) return { python }
  const base = await basePython()
  if (base === undefined) return { skipped: `there is no Python from ${oldestPython.join('.')} on` }
  const problem = await installInto(folder, base, `${requirement}==${version}`)
  return problem === undefined ? { python } : { skipped: `${name} cannot be installed: ${problem}` }
}

async function basePython(): Promise<string | undefined> {
  const check = `import sys, venv, ensurepip; sys.exit(sys.version_info < (${oldestPython.join(', ')}))`
  for (const name of ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.10']) {
    if ((await attempt(name, ['-c', check], 30))?.code === 0) return name
  }
  return undefined
}

async function installInto(folder: string, base: string, requirement: string): Promise<string | undefined> {
  try {
    await madeOnce(folder, async (partial) => {
      const made = await attempt(base, ['-m', 'venv', partial], 120)
      if (made?.code !== 0) throw new Error(lastLine(made) ?? 'Python makes no environment')
      const choices = ['--quiet', '--no-input', '--disable-pip-version-check', '--prefer-binary']
      const done = await attempt(join(partial, 'bin', 'python'), ['-m', 'pip', 'install', ...choices, requirement], 900)
      if (done?.code !== 0) throw new Error(lastLine(done) ?? 'pip did not run')
    })
    return undefined
  } catch (error) {
    return (error as Error).message
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
