import { existsSync, globSync, mkdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { run } from './run.ts'

/** A package of Rust that holds the published schemas of OpenLineage word for word, as its tests need them: see the README beside them. */
const carrier = { name: 'datafusion-openlineage', version: '0.0.12' } as const

/**
 * The schemas that the project OpenLineage publishes, of events and of facets. They come from crates.io, or what the machine's settings put in
 * its place, once, into the cache folder of the user. Where that cannot be it says why, and tests are skipped, by name and reason.
 */
export async function openLineageSchemas(): Promise<
  { readonly schemas: readonly { readonly $id: string }[] } | { readonly skipped: string }
> {
  const caches = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  const home = join(caches, 'lockstep', 'cargo')
  const found = (): string[] => {
    const sources = join(home, 'registry', 'src')
    const folder = `*/${carrier.name}-${carrier.version}/tests/schemas/openlineage/**/*.json`
    return existsSync(sources) ? globSync(folder, { cwd: sources }).map((path) => join(sources, path)) : []
  }
  if (found().length === 0) {
    mkdirSync(home, { recursive: true })
    const problem = await fetchInto(home)
    if (problem !== undefined) return { skipped: `the schemas of OpenLineage cannot be fetched: ${problem}` }
  }
  const schemas = found().map((path) => JSON.parse(readFileSync(path, 'utf8')) as { $id: string })
  return schemas.length > 0 ? { schemas } : { skipped: `${carrier.name} ${carrier.version} holds no schemas` }
}

/** Cargo checks what it fetches against the checksum of the registry. It builds nothing here. */
async function fetchInto(home: string): Promise<string | undefined> {
  const choices = ['info', `${carrier.name}@${carrier.version}`, '--quiet', '--color', 'never']
  try {
    const done = await run('cargo', choices, { cwd: home, environment: { CARGO_HOME: home }, timeoutSeconds: 120 })
    return done.code === 0 ? undefined : (done.stderr.trim().split('\n').at(-1) ?? '')
  } catch {
    return 'there is no cargo'
  }
}
