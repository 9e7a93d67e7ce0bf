import {
  catalogueOf,
  type Definition,
  definitionsOf,
  type FeatureGroupData,
  itemId,
  type Snapshot,
  selectionsOf,
} from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { bareId, checkDefinitions, type Difference, differenceOf, type Finding, type Policy, type Severity } from '../plan/index.ts'
import { type CurrentChange, changesOfCurrent, type Head, type Registry, type State } from '../registry/index.ts'
import { commitApply, refuseViolations } from './apply-plan.ts'
import { definitionsOfItems } from './consumers.ts'
import type { Refusal } from './refusal.ts'
import { refusedRemovals, retiredNames } from './removals.ts'

export interface RollBackOptions {
  readonly registry: Registry
  readonly environment: string
  /** The apply whose state is wanted again; the one before the last that is not rolled back yet by default. */
  readonly to?: number | undefined
  readonly by: string
  readonly message: string
  /** What the files define, which have the functions of on-demand views; without it nobody asks whether those that come back are there. */
  readonly files?: readonly Definition[]
  readonly checks?: Readonly<Record<string, Severity>>
  readonly policies?: readonly Policy[]
  /** Those of some groups that are not in the online store; without it nobody asks. */
  readonly unwritten?: (groups: readonly FeatureGroupData[]) => Promise<readonly FeatureGroupData[]>
  /**
   * Also removes what somebody depends on, makes current what is not in the online store, and brings back what has no function; and tells
   * the audit log so.
   */
  readonly force?: boolean
  /** Is told what would change before it does; throws where it may not. */
  readonly review?: (review: RollBackReview) => Promise<void>
}

export interface RollBackReview {
  /** The apply whose state comes back. */
  readonly to: number
  readonly difference: Difference
  readonly before: Snapshot
  readonly after: Snapshot
  readonly current: readonly CurrentChange[]
  /** What checks and policies have against the state that comes back. They do not hold a rollback up: what is there now may be worse. */
  readonly findings: readonly Finding[]
  /** Groups that come back, or are read by what becomes current, and that are not in the online store: `user_orders@1`. */
  readonly unwritten: readonly string[]
}

/**
 * Makes an environment hold again what it held after an earlier apply, current versions included. Throws `INVALID_ARGUMENT`; `IN_USE`
 * for what would go and somebody depends on; `NAME_RETIRED` for what would come back and was removed with another meaning;
 * `NOT_MATERIALIZED` for a version that would become the current one; and `DEFINITION_MISMATCH` for code that is in no file.
 */
export async function rollBack(options: RollBackOptions): Promise<Head> {
  const { registry, environment, to, by, message, force = false, review } = options
  const base = await registry.applies.head(environment)
  const number = base && (to ?? (await registry.applies.beforeLast(base)))
  if (!number)
    throw new LockstepError('INVALID_ARGUMENT', `There is no earlier apply of ${environment}`, {
      remedy: 'lockstep history lists what was applied; --to names one.',
    })
  const state = await registry.applies.stateAfter(base, number)
  const [before, after] = [await registry.applies.items(base), await registry.applies.items(state)]
  const difference = differenceOf(before, after)
  const current = changesOfCurrent(base.current, state.current)
  const definitions = definitionsOfItems(after)
  const unwritten = new Set(await unwrittenOf(definitions, difference, current, options))
  const findings = findingsOf(definitions, options)
  await review?.({ to: number, difference, before, after, current, findings, unwritten: [...unwritten].map(nameOf) })
  const refusals = [
    ...(await retiredNames(difference, registry, environment, { snapshot: after, definitions })),
    ...(await refusedRemovals(before, after, registry, environment)),
    ...withoutCode(difference, after, options),
    ...notMaterialized(definitions, current, unwritten),
  ]
  const forced = refuseViolations({ refusals, findings: [] }, force, ['IN_USE', 'NOT_MATERIALIZED', 'DEFINITION_MISMATCH'])
  const rest: Pick<State, 'current'> & { before: Snapshot; items: Snapshot } = { before, items: after, current: state.current }
  const why = message || `back to apply ${number}`
  return await commitApply(registry, { kind: 'rollback', by, message: why, environment, base, to: number, ...rest, forced })
}

const nameOf = ({ name, version }: Pick<FeatureGroupData, 'name' | 'version'>): string => `${name}@${version}`

/** Of groups that come back, and those that views read whose current version would be another one. */
async function unwrittenOf(
  definitions: readonly Definition[],
  { stored }: Difference,
  current: readonly CurrentChange[],
  { unwritten }: RollBackOptions,
): Promise<readonly FeatureGroupData[]> {
  const missing = new Set(stored.flatMap(({ group, state }) => (state === 'missing' ? [group] : [])))
  const read = new Set(switchedViews(definitions, current).flatMap(groupsOf))
  const asked = catalogueOf(definitions).groups.filter((group) => missing.has(nameOf(group)) || read.has(group))
  return unwritten && asked.length > 0 ? await unwritten(asked) : []
}

/** Views that stay, in the version that becomes the current one. */
function switchedViews(definitions: readonly Definition[], current: readonly CurrentChange[]) {
  const versions = new Map(
    current.flatMap(({ view, before, after }) => (before === null || after === null ? [] : [[view, after] as const])),
  )
  return catalogueOf(definitions).views.filter(({ name, version }) => versions.get(name) === version)
}

const groupsOf = (view: Parameters<typeof selectionsOf>[0]): FeatureGroupData[] => selectionsOf(view).map(({ group }) => group)

/** A check that throws does not hold a rollback up either. */
function findingsOf(definitions: readonly Definition[], { environment, checks = {}, policies = [] }: RollBackOptions): Finding[] {
  try {
    return checkDefinitions(definitions, checks, { policies, environment })
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error
    const { code, bareMessage: message, where, remedy } = error
    return [{ rule: code, severity: 'error', message, where, remedy }]
  }
}

/** Versions that come back and whose functions no file has any more. */
function withoutCode({ items }: Difference, after: Snapshot, { files }: RollBackOptions): Refusal[] {
  if (files === undefined) return []
  const codes = new Map(catalogueOf(files).onDemand.map((one) => [one.code, one]))
  const missing = new Set<string>()
  definitionsOf(after.values(), ({ code, ...rest }) => {
    const found = codes.get(code)
    if (!found) missing.add(itemId({ ...rest, kind: 'onDemand' }))
    return found ?? { compute: () => ({}) }
  })
  return items
    .filter(({ id, effect }) => missing.has(id) && (effect === 'added' || effect === 'values'))
    .map(({ id }) => ({
      code: 'DEFINITION_MISMATCH',
      where: `on-demand view ${bareId(id)}`,
      message: `${bareId(id)} would be applied again, and its function is in no file any more`,
      remedy: 'Check out the files that had it, and roll back from there; --force does it all the same.',
    }))
}

/** What everybody reads shall be in the online store, as `switchVersion` asks. */
function notMaterialized(
  definitions: readonly Definition[],
  current: readonly CurrentChange[],
  unwritten: ReadonlySet<FeatureGroupData>,
): Refusal[] {
  return switchedViews(definitions, current).flatMap((view): Refusal[] => {
    const names = [...new Set(groupsOf(view).filter((group) => unwritten.has(group)))].map(nameOf)
    if (names.length === 0) return []
    return [
      {
        code: 'NOT_MATERIALIZED',
        where: `feature view ${nameOf(view)}`,
        message: `It would become the current version, and of ${names.join(', ')} not all is in the online store`,
        remedy: 'Roll back with --force and materialize what it names, or switch to a version that is materialized: lockstep switch.',
      },
    ]
  })
}
