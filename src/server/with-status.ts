import { type LifeCycle, Standings } from '../registry/index.ts'
import { registryCatalogue } from './registry-catalogue.ts'
import type { ServerContext } from './server-context.ts'

export type WithStatus<T> = T & { readonly status: LifeCycle['status']; readonly life_cycle: Omit<LifeCycle, 'id' | 'status'> | null }

/** Where things stand, beside what they are. */
export async function withStatus<T extends { readonly id: string }>(
  { store }: Pick<ServerContext, 'store'>,
  items: readonly T[],
): Promise<WithStatus<T>[]> {
  const standings = await standingsOf(store)
  return items.map((item) => {
    const { status, cycle } = standings.of(item.id)
    if (cycle === null) return { ...item, status, life_cycle: null }
    const { id: _id, status: _status, ...rest } = cycle
    return { ...item, status, life_cycle: rest }
  })
}

export const standingsOf = async (store: ServerContext['store']): Promise<Standings> =>
  new Standings(registryCatalogue(store).catalogue, await store.registry.lifeCycles.list(store.environment))
