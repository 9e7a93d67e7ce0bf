import { loadDefinitions } from '../definition/index.ts'
import { actorOf } from '../lib/actor.ts'
import { Adopted } from './adopted.ts'
import { guardedStore } from './guarded-store.ts'
import { ReadCounter } from './read-counter.ts'
import { Store } from './store.ts'
import { StoreAccess } from './store-access.ts'
import type { StoreOptions } from './store-options.ts'
import { Stores } from './stores.ts'

/**
 * Opens a store over definitions; the embedded stores lie in `folder` and are made when they are first used. Where roles count in the
 * registry, each method asks whether its caller may do what it does, and throws `FORBIDDEN` or `UNAUTHENTICATED` where not.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const stores = new Stores(options)
  const access = new StoreAccess(() => stores.registry, stores.environment, options.token ?? process.env.LOCKSTEP_TOKEN)
  // Where roles count a name alone is worth nothing.
  return await guardedStore(await storeOver(stores, options, () => access.actor), access)
}

/** The same for who judges each call by themselves, as the command line does. */
export async function openUnguarded(options: StoreOptions): Promise<Store> {
  return await storeOver(new Stores(options), options, () => null)
}

async function storeOver(stores: Stores, options: StoreOptions, actor: () => string | null): Promise<Store> {
  const definitions = typeof options.definitions === 'string' ? await loadDefinitions(options.definitions) : options.definitions
  const adopted = new Adopted(definitions, options.head)
  const named = options.by ?? actorOf({})
  const warn = options.warn ?? ((error) => process.emitWarning(error instanceof Error ? error : String(error)))
  return new Store(adopted, {
    stores,
    history: options.history ?? {},
    clock: options.clock ?? (() => new Date()),
    by: () => actor() ?? named,
    statistics: options.statistics ?? false,
    openLineage: options.openLineage,
    warn,
    counter: counterOf(stores, options, actor, warn),
  })
}

/** As servers do, reads are counted under the name of the token, where there is one, with who they say to be behind it. */
function counterOf(
  stores: Stores,
  { caller = process.env.LOCKSTEP_CALLER ?? '', model = '' }: StoreOptions,
  actor: () => string | null,
  warn: (error: unknown) => void,
): ReadCounter | null {
  if (caller === '') return null
  return new ReadCounter({
    caller: () => [actor() ?? [], caller].flat().join('/'),
    model,
    now: () => stores.registry.clock.now(),
    share: (process, day, counts) => stores.registry.usage.write(stores.environment, day, process, counts),
    warn,
  })
}
