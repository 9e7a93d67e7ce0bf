import { type Command, Option } from 'commander'
import { LockstepError } from '../../errors.ts'
import { suggestion } from '../../lib/suggestion.ts'
import { withExamples } from '../examples.ts'
import { exitCodes } from '../exit-codes.ts'
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
  readonly examples: boolean
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
    .option('--no-examples', 'show no real values in the plan')
    .option('-m, --message <text>', 'why, for the history')
    .option('--force', 'also where something goes that somebody depends on; the audit log says so')
    .action(promote)
  withExamples(command, ['lockstep promote --from dev --to prod --dry-run', 'lockstep promote --from dev --to prod --message "Release 12"'])
}

async function promote(
  { from, to, dryRun = false, message = '', force = false, examples }: PromoteOptions,
  command: Command,
): Promise<void> {
  command.setOptionValueWithSource('environment', to, 'cli')
  const session = await sessionOf(command, { files: true })
  const { output, project, actor } = session
  const registry = await project.registry()
  await registry.access.check(actor, 'read', { environment: from })
  const applied = await appliedDefinitions(registry, from, project.files)
  if (!applied) {
    const known = await registry.applies.environments()
    const others = known.length > 0 ? `; something is in ${known.join(', ')}${suggestion(from, known)}` : ''
    throw new LockstepError('UNKNOWN_NAME', `Nothing is applied in ${from}${others}`, {
      remedy: `Apply to it first: lockstep apply --environment ${from}.`,
    })
  }
  const [missing] = applied.incomplete
  if (missing)
    throw new LockstepError('DEFINITION_MISMATCH', missing.why, {
      where: missing.id,
      remedy: `Check out the files with which it was applied in ${from}, and promote from there.`,
    })
  const { applyPlan, hasChanges, planChanges, refuseViolations } = await import('../../governance/index.ts')
  const options = { ...(await planOptions(session, applied.definitions)), current: applied.head.current }
  const planned = await longWork(output, ({ signal }) => planChanges({ ...options, signal, examples, ...(dryRun ? {} : { sample: 0 }) }))
  const { plan } = planned
  if (dryRun) {
    const shown = await planFor(session, planned)
    output.result(shown, () => showPlan(shown))
    const isRefused = plan.refusals.length > 0 || plan.findings.some(({ severity }) => severity === 'error')
    process.exitCode = isRefused ? exitCodes.failed : hasChanges(plan) ? exitCodes.toDo : exitCodes.ok
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
