import type { Snapshot } from '../definition/index.ts'
import { type ErrorCode, LockstepError } from '../errors.ts'
import { type ApplyKind, type CurrentVersions, type Head, itemChanges, type Registry } from '../registry/index.ts'
import { lifeChanges } from './life-changes.ts'
import { type Plan, type PlannedChanges, type PlanOptions, planChanges } from './plan-changes.ts'
import { recordDone } from './record-done.ts'

export interface ApplyOptions extends Omit<PlanOptions, 'sample' | 'seed' | 'scratch'> {
  readonly by: string
  readonly message: string
  readonly kind?: Extract<ApplyKind, 'apply' | 'promote'>
  /** What the definitions mean now, where that was just found out. */
  readonly planned?: PlannedChanges
  /** Also removes what somebody depends on, and tells the audit log so. */
  readonly force?: boolean
}

/**
 * Applies exactly what a plan says. Throws `PLAN_OUTDATED` where something else was applied since, or the definitions are not those that
 * were planned; the code of what is refused, now as then; `POLICY_VIOLATED`; and `REGISTRY_CONFLICT` where another apply comes first.
 */
export async function applyPlan(
  plan: Plan,
  { by, message, kind = 'apply', planned, force = false, ...options }: ApplyOptions,
): Promise<Head> {
  const { registry, environment } = options
  if (plan.format !== 1 || plan.environment !== environment)
    throw new LockstepError('INVALID_ARGUMENT', `The plan is one for ${plan.environment}, and not for ${environment}`, {
      remedy: `Apply it where it was made for, --environment ${plan.environment}, or make one for ${environment}: lockstep plan --environment ${environment} --out FILE.`,
    })
  const { plan: now, head, target, before, current } = planned ?? (await planChanges({ ...options, sample: 0 }))
  if (now.base !== plan.base)
    throw new LockstepError('PLAN_OUTDATED', `The plan was made on apply ${plan.base} of ${environment}, which is at apply ${now.base} now`)
  if (now.baseHash !== plan.baseHash)
    throw new LockstepError('PLAN_OUTDATED', `The plan was made on another apply ${plan.base} of ${environment} than there is now`)
  const [other] = itemChanges(new Map(Object.entries(plan.items)), new Map(Object.entries(now.items)))
  if (other) throw new LockstepError('PLAN_OUTDATED', `The files define something else for ${other.id} than when the plan was made`)
  const forced = refuseViolations(now, force)
  return await commitApply(registry, { kind, by, message, environment, base: head, before, items: target.snapshot, current, forced })
}

/** Throws the first refusal, else the first finding that is an error. Gives the refusals that `force` set aside, in words: those of some codes. */
export function refuseViolations(
  { refusals, findings }: Pick<Plan, 'refusals' | 'findings'>,
  force = false,
  forcible: readonly ErrorCode[] = ['IN_USE'],
): string[] {
  const forced = refusals.filter(({ code }) => force && forcible.includes(code))
  const left = refusals.filter((one) => !forced.includes(one))
  const [refusal] = left
  if (refusal)
    throw new LockstepError(refusal.code, withMore(refusal.message, left.length), { where: refusal.where, remedy: refusal.remedy })
  const errors = findings.filter(({ severity }) => severity === 'error')
  const [finding] = errors
  if (!finding) return forced.map(({ where, message }) => `${where}: ${message}`)
  const message = withMore(`${finding.message} (policy ${finding.rule})`, errors.length)
  throw new LockstepError('POLICY_VIOLATED', message, { where: finding.where, ...(finding.remedy ? { remedy: finding.remedy } : {}) })
}

const withMore = (message: string, count: number): string => (count > 1 ? `${message}; and ${count - 1} more` : message)

interface NewState {
  readonly kind: Exclude<ApplyKind, 'remove' | 'restore' | 'switch'>
  readonly by: string
  readonly message: string
  readonly environment: string
  readonly base: Head | null
  readonly to?: number
  readonly before: Snapshot
  readonly items: Snapshot
  readonly current: CurrentVersions
  /** What was refused and is done all the same. */
  readonly forced: readonly string[]
}

/**
 * One commit: the items, the head, the record of the apply, the life cycles of what goes and comes back, and what the audit log says of
 * it. Then the run, which may be missing.
 */
export async function commitApply(registry: Registry, { before, items, forced, ...apply }: NewState): Promise<Head> {
  const { kind, by, message, environment, base } = apply
  const started = registry.clock.now()
  const event = {
    by,
    action: kind,
    on: `environment:${environment}`,
    environment,
    before: base && { apply: base.apply, current: Object.fromEntries(base.current) },
    after: { apply: (base?.apply ?? 0) + 1, ...(forced.length > 0 ? { forced } : {}) },
    why: message,
  }
  const { after: _cycles, ...changes } = await lifeChanges(registry, environment, before, items, { by, reason: message })
  const also = { ...changes, puts: [registry.audit.put(event), ...changes.puts] }
  const head = await registry.applies.append({ ...apply, snapshot: items, also })
  if (head !== base) {
    const rows = itemChanges(base?.items ?? new Map(), head.items).length
    await recordDone(registry, started, { kind, environment, subject: environment, by, rows })
  }
  return head
}
