import { hostname } from 'node:os'
import { type Catalogue, catalogueOf, type Definition } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import {
  appliedElsewhere,
  type ForgetOptions,
  type ForgetReport,
  forgetSubject,
  refuseEmptyKeys,
  withEverApplied,
} from '../governance/index.ts'
import { systemClock } from '../lib/clock.ts'
import { suggestion } from '../lib/suggestion.ts'
import type { SourcePlaces } from '../offline/index.ts'
import type { Stores } from './stores.ts'

/**
 * Erases one subject from all stores of an environment. The audit log says that somebody was forgotten, and not who; also where it was cut
 * off. Throws `UNKNOWN_NAME`, `MISSING_KEY` or `INVALID_VALUE`, the latter for a key that is empty too.
 */
export async function forgetIn(
  stores: Stores,
  definitions: readonly Definition[],
  placesOf: (catalogue: Catalogue) => Promise<SourcePlaces>,
  {
    entity: name,
    keys,
    options,
    by,
  }: {
    readonly entity: string
    readonly keys: Readonly<Record<string, unknown>>
    readonly options: ForgetOptions
    readonly by: string
  },
): Promise<ForgetReport> {
  refuseEmptyKeys(keys)
  const { registry } = stores
  const catalogue = await withEverApplied(catalogueOf(definitions), registry, stores.environment)
  const elsewhere = await appliedElsewhere(registry, stores.environment)
  const entities = [...catalogue.entities, ...elsewhere.entities]
  const entity = entities.find((one) => one.name === name)
  if (!entity) {
    const names = entities.map((one) => one.name)
    throw new LockstepError('UNKNOWN_NAME', `There is no entity ${name}${suggestion(name, names)}`)
  }
  const { online, offline, folder, landingFolder, environment } = stores
  const trainingSets = await registry.trainingSets.list({ environment })
  const log = await stores.log
  const parts = {
    registry,
    environment,
    catalogue,
    elsewhere,
    online,
    offline,
    log,
    clock: systemClock,
    folder,
    landingFolder,
    places: await placesOf(catalogue),
    trainingSets,
    machine: hostname(),
  }
  const { audit } = registry
  const event = { by, on: `entity:${name}`, environment }
  if (!options.dryRun) await audit.record({ ...event, action: 'forget.begin' })
  const report = await forgetSubject(parts, entity, keys, options)
  const after = report.places.map(({ place, name: of, before, after: left }) => ({ place, name: of, before, after: left }))
  if (!options.dryRun) await audit.record({ ...event, action: 'forget', after })
  return report
}
