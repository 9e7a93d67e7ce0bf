import { pythonWith } from './python-package.ts'

/** The release that tests and benchmarks are held against, with what it needs for Redis. Some 0.6 GB. */
const release = { name: 'Feast', requirement: 'feast[redis]', version: '0.67.0' }

export interface Feast {
  /** The interpreter of the environment: `python -m feast.cli.cli`, or a script that imports `feast`. */
  readonly python: string
  readonly version: string
}

/** Feast, another feature store: what its clients expect of a server, and how fast its own is. */
export async function feast(): Promise<Feast | { readonly skipped: string }> {
  const found = await pythonWith(release)
  return 'skipped' in found ? found : { ...found, version: release.version }
}

if (import.meta.main) {
  const found = await feast()
  if ('skipped' in found) {
    console.error(found.skipped)
    process.exitCode = 1
  } else console.log(`Feast ${found.version}: ${found.python}`)
}
