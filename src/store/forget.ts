import { catalogueOf, type Definition, type History } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { type ForgetOptions, type ForgetReport, forgetSubject, withEverApplied } from '../governance/index.ts'
import { systemClock } from '../lib/clock.ts'
import { suggestion } from '../lib/suggestion.ts'
import type { Stores } from './stores.ts'

/** Erases one subject from all stores of an environment. Throws `UNKNOWN_NAME`, `MISSING_KEY` or `INVALID_VALUE`. */
export async function forgetIn(
  stores: Stores,
  definitions: readonly Definition[],
  history: Readonly<Record<string, History>>,
  {
    entity: name,
    keys,
    options,
  }: { readonly entity: string; readonly keys: Readonly<Record<string, unknown>>; readonly options: ForgetOptions },
): Promise<ForgetReport> {
  const { registry } = stores
  const catalogue = await withEverApplied(catalogueOf(definitions), registry, stores.environment)
  const entity = catalogue.entities.find((one) => one.name === name)
  if (!entity) {
    const names = catalogue.entities.map((one) => one.name)
    throw new LockstepError('UNKNOWN_NAME', `There is no entity ${name}${suggestion(name, names)}`)
  }
  const { online, offline, folder, landingFolder, environment } = stores
  const trainingSets = await registry.trainingSets.list({ environment })
  const log = await stores.log
  return await forgetSubject(
    { registry, environment, catalogue, online, offline, log, clock: systemClock, folder, landingFolder, history, trainingSets },
    entity,
    keys,
    options,
  )
}
