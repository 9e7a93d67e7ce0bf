import { type FeatureGroupData, type FeatureView, type Item, itemId, statusOfItem } from '../definition/index.ts'
import { type ErrorCode, LockstepError } from '../errors.ts'
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
  /** Is told, once it is done, what spoke against it and counted for nothing. */
  readonly tellSetAside?: (obstacles: readonly string[]) => void
}

/**
 * Makes a version of a view the one that requests get which name none, in one commit. Gives what is applied then: as before where it is
 * current already. Throws `INVALID_ARGUMENT` where nothing is applied, `UNKNOWN_NAME`, `NOT_MATERIALIZED` or `REGISTRY_CONFLICT`.
 */
export async function switchVersion(
  registry: Registry,
  { name, version }: Pick<FeatureView, 'name' | 'version'>,
  { environment, unmaterialized, force = false, by, message, tellSetAside }: SwitchOptions,
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
  const obstacles = obstaclesTo(`${name}@${version}`, statusOfItem(items.get(id) as Item) === 'draft', unmaterialized)
  const [first] = obstacles
  if (first && !force)
    throw new LockstepError(first.code, obstacles.map((each) => each.message).join('; '), {
      remedy: `${obstacles.map((each) => each.remedy).join(' ')} Or give --force.`,
    })
  const setAside = obstacles.map((each) => each.message)
  const why = [message, ...(first ? [`forced, though ${setAside.join('; ')}`] : [])].filter((text) => text !== '').join('; ')
  const [before, after] = [{ version: base.current.get(name) ?? null }, { version }]
  const told = audit.put({ by, action: 'switch', on: `view:${name}`, environment, before, after, why })
  const current = new Map([...base.current, [name, version]])
  const head = await applies.append({ environment, base, current, kind: 'switch', by, message, also: { puts: [told] } })
  if (head !== base) await recordDone(registry, started, { kind: 'switch', environment, subject: `view:${name}@${version}`, by, rows: 0 })
  if (first) tellSetAside?.(setAside)
  return head
}

interface Obstacle {
  readonly code: ErrorCode
  readonly message: string
  readonly remedy: string
}

/** All that speaks against a version being what everybody reads. */
function obstaclesTo(view: string, isDraft: boolean, unmaterialized: SwitchOptions['unmaterialized']): Obstacle[] {
  const names = unmaterialized.map((group) => `${group.name}@${group.version}`)
  const draft: Obstacle = {
    code: 'INVALID_ARGUMENT',
    message: `${view} is a draft, which is not to be what everybody reads`,
    remedy: "Take status: 'draft' out of its definition and apply that.",
  }
  const unwritten: Obstacle = {
    code: 'NOT_MATERIALIZED',
    message: `${view} reads ${names.join(', ')}, of which not all is in the online store`,
    remedy: `Run lockstep materialize ${names.join(' ')} (groups of a stream: lockstep stream).`,
  }
  return [...(isDraft ? [draft] : []), ...(names.length > 0 ? [unwritten] : [])]
}
