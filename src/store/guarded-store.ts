import type { Operation, Target } from '../registry/index.ts'
import type { Store } from './store.ts'
import type { StoreAccess } from './store-access.ts'
import { type StoreRole, storeRoles } from './store-roles.ts'

interface Guarded {
  readonly store: Store
  readonly access: StoreAccess
}

const guards = new WeakMap<Store, Guarded>()

/**
 * The store, of which each method asks first whether its caller may do what it does, as `storeRoles` says: whose token it is, else the
 * user of this machine, as on the command line. Nothing is asked while nobody is an admin.
 */
export async function guardedStore(store: Store, access: StoreAccess): Promise<Store> {
  await access.look().catch(() => undefined)
  const methods = new Map<PropertyKey, unknown>()
  const guarded = new Proxy(store, {
    get(target, name) {
      const known = methods.get(name)
      if (known !== undefined) return known
      const role = storeRoles[name as keyof Store] as unknown as StoreRole<readonly unknown[]> | null | undefined
      if (role && (name === 'registry' || name === 'offline')) access.checkNow(role.operation, targetsOf(access, store, role, []))
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      const method = role
        ? (...given: readonly unknown[]): unknown => {
            if (access.isOpen) return value.apply(target, given)
            return access.check(role.operation, () => targetsOf(access, store, role, given)).then(() => value.apply(target, given))
          }
        : // Not `bind`: V8 takes no bound function for `await using`.
          (...given: readonly unknown[]): unknown => value.apply(target, given)
      methods.set(name, method)
      return method
    },
  })
  guards.set(guarded, { store, access })
  return guarded
}

/**
 * The store without its guard, for what judges each request by itself or only takes up what is applied: to who may do so in the
 * environment as a whole. Throws `FORBIDDEN` and `UNAUTHENTICATED`.
 */
export async function unguarded(store: Store, operation: Operation): Promise<Store> {
  const found = guards.get(store)
  if (!found) return store
  await found.access.check(operation, () => [{ environment: store.environment }])
  return found.store
}

function targetsOf<Given extends readonly unknown[]>(
  access: StoreAccess,
  store: Store,
  { on }: StoreRole<Given>,
  given: Given,
): readonly Target[] {
  const { environment } = store
  if (on === 'registry') return [{ environment: '*' }]
  const things = on === 'environment' ? [] : on(given, store)
  return things.length === 0 ? [{ environment }] : things.map((thing) => access.targetOf(thing, store))
}
