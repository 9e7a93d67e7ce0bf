import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { madeOnce } from './made-once.ts'
import { run } from './run.ts'

export type Unpacked = { readonly folder: string } | { readonly missing: string }

/**
 * A package of Debian, with all that it needs and the machine lacks, unpacked and not installed: nothing starts by itself, and the
 * system stays as it is. It is fetched once, into the cache folder of the user; for the superuser where other users can reach it.
 */
export async function unpackedPackage(name: string): Promise<Unpacked> {
  const caches = process.getuid?.() === 0 ? '/var/cache' : process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  const folder = join(caches, 'lockstep', name)
  try {
    await madeOnce(folder, (partial) => unpack(name, partial))
    return { folder }
  } catch (error) {
    return { missing: `${name} cannot be fetched: ${(error as Error).message}` }
  }
}

async function unpack(name: string, folder: string): Promise<void> {
  await download(folder, name, []).catch(async () => {
    // A machine that is new knows of no packages yet, and what an old one knows of may be gone.
    const lists = join(folder, 'lists')
    mkdirSync(join(lists, 'partial'), { recursive: true })
    const own = ['-o', `Dir::State::lists=${lists}`, '-o', 'Dir::Cache::pkgcache=', '-o', 'Dir::Cache::srcpkgcache=']
    await apt(folder, 'apt-get', [...own, 'update'])
    await download(folder, name, own)
    rmSync(lists, { recursive: true })
  })
  for (const archive of readdirSync(folder).filter((each) => each.endsWith('.deb'))) {
    await apt(folder, 'dpkg', ['-x', archive, '.'])
    rmSync(join(folder, archive))
  }
}

async function download(folder: string, name: string, options: readonly string[]): Promise<void> {
  const plan = await apt(folder, 'apt-get', [...options, '--simulate', '--no-install-recommends', 'install', name])
  const packages = new Set([name, ...[...plan.matchAll(/^Inst (\S+)/gm)].map(([, each = '']) => each)])
  await apt(folder, 'apt-get', [...options, 'download', ...packages])
}

async function apt(cwd: string, program: string, programArguments: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(program, programArguments, { cwd, timeoutSeconds: 300 })
  if (code !== 0) throw new Error(/^E: (.*)/m.exec(stderr)?.[1] ?? `${program} ended with code ${code}`)
  return stdout
}
