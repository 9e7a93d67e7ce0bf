import type { Snapshot } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { type Difference, differenceOf } from '../plan/index.ts'
import { type ApplyKind, type Commit, type Head, itemChanges, type Registry, type State } from '../registry/index.ts'
import { type Plan, type PlannedChanges, type PlanOptions, planChanges } from './plan-changes.ts'

export interface ApplyOptions extends Omit<PlanOptions, 'sample' | 'seed' | 'scratch'> {
  readonly by: string
  readonly message: string
  readonly kind?: Extract<ApplyKind, 'apply' | 'promote'>
  /** What the definitions mean now, where that was just found out. */
  readonly planned?: PlannedChanges
}

/**
 * Applies exactly what a plan says. Throws `PLAN_OUTDATED` where something else was applied since, or the definitions are not those that
 * were planned; the code of what is refused, now as then; `POLICY_VIOLATED`; and `REGISTRY_CONFLICT` where another apply comes first.
 */
export async function applyPlan(plan: Plan, { by, message, kind = 'apply', planned, ...options }: ApplyOptions): Promise<Head> {
  const { registry, environment } = options
  if (plan.format !== 1 || plan.environment !== environment)
    throw new LockstepError('INVALID_ARGUMENT', `The plan is one for ${plan.environment}, and not for ${environment}`)
  const { plan: now, head, target } = planned ?? (await planChanges({ ...options, sample: 0 }))
  if (now.base !== plan.base)
    throw new LockstepError('PLAN_OUTDATED', `The plan was made on apply ${plan.base} of ${environment}, which is at apply ${now.base} now`)
  const [other] = itemChanges(new Map(Object.entries(plan.items)), new Map(Object.entries(now.items)))
  if (other) throw new LockstepError('PLAN_OUTDATED', `The files define something else for ${other.id} than when the plan was made`)
  refuseViolations(now)
  const puts = now.difference.items.flatMap(({ id, effect }) =>
    effect === 'removed' ? [registry.lifeCycles.tombstone(id, head?.items.get(id)?.meaning ?? '', by)] : [],
  )
  return await commit(registry, { kind, by, message, environment, base: head, state: { items: target.snapshot, current: null }, puts })
}

/** Throws the first refusal, else the first finding that is an error. */
export function refuseViolations({ refusals, findings }: Pick<Plan, 'refusals' | 'findings'>): void {
  const [refusal] = refusals
  if (refusal)
    throw new LockstepError(refusal.code, withMore(refusal.message, refusals.length), { where: refusal.where, remedy: refusal.remedy })
  const errors = findings.filter(({ severity }) => severity === 'error')
  const [finding] = errors
  if (!finding) return
  const message = withMore(`${finding.message} (policy ${finding.rule})`, errors.length)
  throw new LockstepError('POLICY_VIOLATED', message, { where: finding.where, ...(finding.remedy ? { remedy: finding.remedy } : {}) })
}

const withMore = (message: string, count: number): string => (count > 1 ? `${message}; and ${count - 1} more` : message)

export interface RollBackOptions {
  readonly registry: Registry
  readonly environment: string
  /** The apply whose state is wanted again; the one before the last by default. */
  readonly to?: number | undefined
  readonly by: string
  readonly message: string
  /** Is told what would change, and of which views the current version would, before it does; throws where it may not. */
  readonly review?: (difference: Difference, before: Snapshot, after: Snapshot, switched: readonly string[]) => Promise<void>
}

/** Makes an environment hold again what it held after an earlier apply, current versions included. Throws `INVALID_ARGUMENT`. */
export async function rollBack({ registry, environment, to, by, message, review }: RollBackOptions): Promise<Head> {
  const base = await registry.applies.head(environment)
  if (!base || base.apply < 2)
    throw new LockstepError('INVALID_ARGUMENT', `There is no earlier apply of ${environment}`, {
      remedy: 'lockstep history lists what was applied.',
    })
  const number = to ?? base.apply - 1
  const state = await registry.applies.stateAfter(base, number)
  const [before, items] = [await registry.applies.items(base), await registry.applies.items(state)]
  const switched = [...new Set([...base.current.keys(), ...state.current.keys()])].filter(
    (view) => base.current.get(view) !== state.current.get(view),
  )
  await review?.(differenceOf(before, items), before, items, switched)
  const why = message || `back to apply ${number}`
  return await commit(registry, { kind: 'rollback', by, message: why, environment, base, state: { items, current: state.current } })
}

interface NewState {
  readonly kind: ApplyKind
  readonly by: string
  readonly message: string
  readonly environment: string
  readonly base: Head | null
  /** What belongs to the same commit. */
  readonly puts?: Commit['puts']
  readonly state: { readonly items: Parameters<Registry['applies']['append']>[0]['snapshot']; readonly current: State['current'] | null }
}

/** One commit: the items, the head, the record of the apply, and what the audit log says of it. Then the run, which may be missing. */
async function commit(registry: Registry, { kind, by, message, environment, base, state, puts = [] }: NewState): Promise<Head> {
  const started = registry.clock.now()
  const before = base && { apply: base.apply, current: Object.fromEntries(base.current) }
  const event = {
    by,
    action: kind,
    on: `environment:${environment}`,
    environment,
    before,
    after: { apply: (base?.apply ?? 0) + 1 },
    why: message,
  }
  const head = await registry.applies.append({
    environment,
    base,
    ...(state.items ? { snapshot: state.items } : {}),
    ...(state.current ? { current: state.current } : {}),
    kind,
    by,
    message,
    also: { puts: [registry.audit.put(event), ...puts] },
  })
  if (head !== base) {
    const run = { kind, environment, subject: environment, by, rows: itemChanges(base?.items ?? new Map(), head.items).length, bytes: 0 }
    const seconds = (registry.clock.now() - started) / 1e6
    await registry.runs
      .record(started, { ...run, started: new Date(started / 1000).toISOString(), seconds, outcome: 'done', error: null })
      .catch(() => {})
  }
  return head
}
