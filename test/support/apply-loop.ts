/** A process that applies and rolls back until it is killed, or a number of times: `apply-loop.ts REGISTRY WHAT [TIMES]`. */
import { setTimeout } from 'node:timers/promises'
import { count, type Definition, entity, events, featureGroup, featureView } from '../../src/definition/index.ts'
import { LockstepError } from '../../src/errors.ts'
import { applyPlan } from '../../src/governance/apply-plan.ts'
import { planChanges } from '../../src/governance/plan-changes.ts'
import { rollBack } from '../../src/governance/roll-back.ts'
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

/** A group of its own, which odd states have and even ones have not. */
export const extra = 'group:extra@1'

/** Twenty groups and a view in some state: what an apply changes all of, and a group that comes and goes. */
export function stateOf(number: number): Definition[] {
  const groupOf = (name: string, feature: string, description: string) =>
    featureGroup({ name, entity: user, source: clicks, description, features: () => ({ [feature]: count().over('1h') }) })
  const description = `State ${number}`
  const groups = Array.from({ length: 20 }, (_, index) => groupOf(`group_${index}`, `user_count_${index}_1h`, description))
  const view = featureView({ name: 'ranking', description, features: groups as never }) as Definition
  return [view, ...(number % 2 === 1 ? [groupOf('extra', 'user_extra_count_1h', description)] : [])]
}

export const environment = 'dev'

/** One apply of the state that its number asks for, or one rollback by one. Whether it won. */
async function act(registry: Registry, what: 'apply' | 'rollback'): Promise<boolean> {
  const last = (await registry.applies.head(environment))?.apply ?? 0
  const options = { registry, environment, by: String(process.pid), message: '' }
  // Time in which another may win.
  const wait = () => setTimeout(1)
  try {
    if (what === 'rollback' && last > 1) {
      await rollBack({ ...options, to: last - 1, review: wait })
      return true
    }
    const changes = { ...options, definitions: stateOf(last + 1), checks: { owner: 'off' } as const }
    const planned = await planChanges({ ...changes, sample: 0 })
    await wait()
    return (await applyPlan(planned.plan, { ...changes, planned })).apply > planned.plan.base
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
