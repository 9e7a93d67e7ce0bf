/** A process that applies and rolls back until it is killed, or a number of times: `apply-loop.ts REGISTRY WHAT [TIMES]`. */
import { setTimeout } from 'node:timers/promises'
import { count, entity, events, featureGroup, featureView, snapshotOf } from '../../src/definition/index.ts'
import { LockstepError } from '../../src/errors.ts'
import { sqliteDocumentStore } from '../../src/registry/drivers/sqlite.ts'
import { Registry } from '../../src/registry/index.ts'
import { t } from '../../src/schema/index.ts'

export type RegistryPlace = { readonly path: string } | { readonly url: string; readonly schema: string }

export async function openRegistryAt(place: RegistryPlace): Promise<Registry> {
  if ('path' in place) return new Registry(sqliteDocumentStore(place))
  const { postgresDocumentStore } = await import('../../src/registry/drivers/postgres.ts')
  return new Registry(postgresDocumentStore(place))
}

const user = entity('user', { user_id: t.string() })
const clicks = events('clicks', { columns: { user_id: t.string(), at: t.timestamp() }, time: 'at' })

/** Twenty groups and a view in some state: what an apply changes all of. */
export function stateOf(number: number) {
  const groups = Array.from({ length: 20 }, (_, index) =>
    featureGroup({
      name: `group_${index}`,
      entity: user,
      source: clicks,
      description: `State ${number}`,
      features: () => ({ [`user_count_${index}_1h`]: count().over('1h') }),
    }),
  )
  return snapshotOf([featureView({ name: 'ranking', description: `State ${number}`, features: groups as never })])
}

export const environment = 'dev'

/** One apply of the state that its number asks for, or one rollback by one. Whether it won. */
async function act({ applies }: Registry, what: 'apply' | 'rollback'): Promise<boolean> {
  const base = await applies.head(environment)
  // Time in which another may win.
  await setTimeout(1)
  try {
    const by = { by: String(process.pid), message: '' }
    if (what === 'apply' || (base?.apply ?? 0) < 2)
      await applies.append({ environment, base, snapshot: stateOf((base?.apply ?? 0) + 1), kind: 'apply', ...by })
    else if (base) {
      const state = await applies.stateAfter(base, base.apply - 1)
      await applies.append({ environment, base, snapshot: await applies.items(state), current: state.current, kind: 'rollback', ...by })
    }
    return true
  } catch (error) {
    if (error instanceof LockstepError && error.code === 'REGISTRY_CONFLICT') return false
    throw error
  }
}

if (import.meta.main) {
  const [place = '{}', what = 'apply', times = 'Infinity'] = process.argv.slice(2)
  await using registry = await openRegistryAt(JSON.parse(place) as RegistryPlace)
  let won = Number(await act(registry, what as 'apply' | 'rollback'))
  process.send?.('ready')
  for (let time = 1; time < Number(times); time++) if (await act(registry, what as 'apply' | 'rollback')) won++
  process.send?.(won)
  process.disconnect?.()
}
