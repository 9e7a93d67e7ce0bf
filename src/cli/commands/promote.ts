import { type Command, Option } from 'commander'
import { LockstepError } from '../../errors.ts'
import { withExamples } from '../examples.ts'
import { appliedDefinitions } from '../governed.ts'
import { longWork } from '../long-work.ts'
import { checkMayApply, planFor, planOptions } from '../planning.ts'
import { sessionOf } from '../session.ts'
import { showPlan } from '../show-plan.ts'
import { tellApplied } from '../tell-lineage.ts'
import { showApplied } from './apply.ts'

interface PromoteOptions {
  readonly from: string
  readonly to: string
  readonly dryRun?: boolean
  readonly message?: string
  readonly force?: boolean
}

export function addPromote(program: Command): void {
  const command = program
    .command('promote')
    .description(
      'Applies to an environment what is applied in another, by the policies of the one that it comes to. Takes nothing from the files but code.',
    )
    .addOption(new Option('--from <name>', 'the environment that has it').makeOptionMandatory())
    .addOption(new Option('--to <name>', 'the environment that it comes to').makeOptionMandatory())
    .option('--dry-run', 'show the plan and end as lockstep plan does')
    .option('-m, --message <text>', 'why, for the history')
    .option('--force', 'also where something goes that somebody depends on; the audit log says so')
    .action(promote)
  withExamples(command, ['lockstep promote --from dev --to prod --dry-run', 'lockstep promote --from dev --to prod --message "Release 12"'])
}

async function promote({ from, to, dryRun = false, message = '', force = false }: PromoteOptions, command: Command): Promise<void> {
  command.setOptionValueWithSource('environment', to, 'cli')
  const session = await sessionOf(command, { files: true })
  const { output, project, actor } = session
  const registry = await project.registry()
  await registry.access.check(actor, 'read', { environment: from })
  const applied = await appliedDefinitions(registry, from, project.files)
  if (!applied)
    throw new LockstepError('UNKNOWN_NAME', `Nothing is applied in ${from}`, {
      remedy: `Apply to it first: lockstep apply --environment ${from}.`,
    })
  const [missing] = applied.incomplete
  if (missing)
    throw new LockstepError('DEFINITION_MISMATCH', missing.why, {
      where: missing.id,
      remedy: `Check out the files with which it was applied in ${from}, and promote from there.`,
    })
  const { applyPlan, hasChanges, planChanges, refuseViolations } = await import('../../governance/index.ts')
  const options = { ...(await planOptions(session, applied.definitions)), current: applied.head.current }
  const planned = await longWork(output, ({ signal }) => planChanges({ ...options, signal, ...(dryRun ? {} : { sample: 0 }) }))
  const { plan } = planned
  if (dryRun) {
    const shown = await planFor(session, planned)
    output.result(shown, () => showPlan(shown))
    const isRefused = plan.refusals.length > 0 || plan.findings.some(({ severity }) => severity === 'error')
    process.exitCode = isRefused ? 1 : hasChanges(plan) ? 2 : 0
    return
  }
  if (!hasChanges(plan)) return showApplied(session, planned.head, plan)
  refuseViolations(plan, force)
  await checkMayApply(session, plan.difference, planned.before, planned.target.snapshot)
  const why = message || `${from}, apply ${applied.head.apply}`
  const head = await applyPlan(plan, { ...options, by: actor, message: why, kind: 'promote', planned, force })
  await tellApplied({ ...session, project }, 'promote', plan.difference, planned.target.definitions)
  showApplied({ ...session, project }, head, plan)
}
