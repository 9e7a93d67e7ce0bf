import { existsSync, globSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { unpackedPackage } from '../debian-package.ts'

export interface RedisBinary {
  readonly path: string
  /** Where libraries lie that the machine itself lacks; empty where it lacks none. */
  readonly libraries: string
}

const names = ['redis-server', 'valkey-server']

/** A server of Redis or Valkey: the one that is installed, else that of Debian's package, unpacked into the cache folder of the user. */
export async function redisBinary(): Promise<RedisBinary | { readonly missing: string }> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const found = names.map((name) => join(folder, name)).find((path) => existsSync(path))
    if (found !== undefined) return { path: found, libraries: '' }
  }
  const unpacked = await unpackedPackage('redis-server')
  if ('missing' in unpacked) return unpacked
  const libraries = globSync(join(unpacked.folder, 'usr/lib/*-linux-*'))
  return { path: join(unpacked.folder, 'usr/bin/redis-server'), libraries: libraries.join(delimiter) }
}
