import { loadDefinitions } from '../definition/index.ts'
import { actorOf } from '../lib/actor.ts'
import { Adopted } from './adopted.ts'
import { guardedStore } from './guarded-store.ts'
import { Store } from './store.ts'
import type { StoreOptions } from './store-options.ts'
import { Stores } from './stores.ts'

/**
 * Opens a store over definitions; the embedded stores lie in `folder` and are made when they are first used. Where roles count in the
 * registry, each method asks whether its caller may do what it does, and throws `FORBIDDEN` or `UNAUTHENTICATED` where not.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { store, stores } = await openParts(options)
  return await guardedStore(store, () => stores.registry, options.token ?? process.env.LOCKSTEP_TOKEN)
}

/** The same for who judges each call by themselves, as the command line does. */
export async function openUnguarded(options: StoreOptions): Promise<Store> {
  return (await openParts(options)).store
}

async function openParts(options: StoreOptions): Promise<{ readonly store: Store; readonly stores: Stores }> {
  const definitions = typeof options.definitions === 'string' ? await loadDefinitions(options.definitions) : options.definitions
  const adopted = new Adopted(definitions, options.head)
  const stores = new Stores(options)
  const store = new Store(adopted, {
    stores,
    history: options.history ?? {},
    clock: options.clock ?? (() => new Date()),
    by: options.by ?? actorOf({}),
    statistics: options.statistics ?? false,
    openLineage: options.openLineage,
    warn: options.warn ?? ((error) => process.emitWarning(error instanceof Error ? error : String(error))),
  })
  return { store, stores }
}
