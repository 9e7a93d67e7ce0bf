import { type FeatureGroupData, type FeatureView, type Item, itemId, statusOfItem } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import type { Head, Registry } from '../registry/index.ts'
import { recordDone } from './record-done.ts'

export interface SwitchOptions {
  readonly environment: string
  /** Groups of the view that are not materialized: as long as there are any, it does not become current. */
  readonly unmaterialized: readonly Pick<FeatureGroupData, 'name' | 'version'>[]
  /** Whether they count for nothing, and that it is a draft. */
  readonly force?: boolean
  readonly by: string
  readonly message: string
}

/**
 * Makes a version of a view the one that requests get which name none, in one commit. Gives what is applied then: as before where it is
 * current already. Throws `INVALID_ARGUMENT` where nothing is applied, `UNKNOWN_NAME`, `NOT_MATERIALIZED` or `REGISTRY_CONFLICT`.
 */
export async function switchVersion(
  registry: Registry,
  { name, version }: Pick<FeatureView, 'name' | 'version'>,
  { environment, unmaterialized, force = false, by, message }: SwitchOptions,
): Promise<Head> {
  const { applies, audit, clock } = registry
  const started = clock.now()
  const base = await applies.head(environment)
  if (!base)
    throw new LockstepError(
      'INVALID_ARGUMENT',
      `Nothing is applied in ${environment}, so the highest version of a view is the current one`,
      {
        remedy: 'Apply the definitions first: lockstep apply.',
      },
    )
  const id = itemId({ kind: 'view', name, version })
  const reference = base.items.get(id)
  if (!reference) throw new LockstepError('UNKNOWN_NAME', `No version ${version} of the view ${name} is applied in ${environment}`)
  const items = await applies.items({ items: new Map([[id, reference]]) })
  if (!force && statusOfItem(items.get(id) as Item) === 'draft')
    throw new LockstepError('INVALID_ARGUMENT', `${name}@${version} is a draft, which is not to be what everybody reads`, {
      remedy: "Take status: 'draft' out of its definition and apply that, or give --force.",
    })
  const [first] = unmaterialized
  if (first && !force) {
    const names = unmaterialized.map((group) => `${group.name}@${group.version}`)
    throw new LockstepError('NOT_MATERIALIZED', `${name}@${version} reads ${names.join(', ')}, of which not all is in the online store`, {
      remedy: `Run lockstep materialize ${names.join(' ')} (groups of a stream: lockstep stream), or give --force.`,
    })
  }
  const [before, after] = [{ version: base.current.get(name) ?? null }, { version }]
  const told = audit.put({ by, action: 'switch', on: `view:${name}`, environment, before, after, why: message })
  const current = new Map([...base.current, [name, version]])
  const head = await applies.append({ environment, base, current, kind: 'switch', by, message, also: { puts: [told] } })
  if (head !== base) await recordDone(registry, started, { kind: 'switch', environment, subject: `view:${name}@${version}`, by, rows: 0 })
  return head
}
