import { accessSync, constants, globSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { unpackedPackage } from '../debian-package.ts'
import { run } from '../run.ts'

/** Where `initdb` and `postgres` are, and the environment that they need. */
export interface Programs {
  readonly folder: string
  readonly environment: Readonly<Record<string, string>>
}

/** The oldest that the drivers are written for. */
const oldest = 12

const installed = '/usr/lib/postgresql/*/bin'

/** PostgreSQL of this machine, the newest where there are several; else Debian's package, fetched once. */
export async function postgresPrograms(): Promise<Programs | { readonly missing: string }> {
  const here = await newest([...(process.env.PATH ?? '').split(delimiter), ...globSync(installed)])
  if (here !== undefined) return { folder: here, environment: {} }
  const name = /Depends: (postgresql-\d+)/.exec((await output('apt-cache', ['depends', 'postgresql'])) ?? '')?.[1]
  if (name === undefined) return { missing: 'there is no PostgreSQL, and no package of it' }
  const unpacked = await unpackedPackage(name)
  if ('missing' in unpacked) return unpacked
  const folder = await newest(globSync(join(unpacked.folder, installed)))
  const environment = { LD_LIBRARY_PATH: globSync(join(unpacked.folder, 'usr/lib/*-linux-*')).join(':') }
  return folder === undefined ? { missing: `the package ${name} holds no server that runs here` } : { folder, environment }
}

async function newest(folders: readonly string[]): Promise<string | undefined> {
  const found = []
  for (const folder of folders.filter((each) => ['postgres', 'initdb'].every((program) => runs(join(each, program))))) {
    const version = Number(/\(PostgreSQL\) (\d+)/.exec((await output(join(folder, 'postgres'), ['--version'])) ?? '')?.[1] ?? 0)
    if (version >= oldest) found.push({ folder, version })
  }
  return found.sort((a, b) => b.version - a.version)[0]?.folder
}

function runs(program: string): boolean {
  try {
    accessSync(program, constants.X_OK)
    return true
  } catch {
    return false
  }
}

async function output(program: string, programArguments: readonly string[]): Promise<string | undefined> {
  try {
    const { code, stdout } = await run(program, programArguments, { cwd: '/', timeoutSeconds: 30 })
    return code === 0 ? stdout : undefined
  } catch {
    return undefined
  }
}
