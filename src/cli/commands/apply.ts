import type { Command } from 'commander'
import { LockstepError } from '../../errors.ts'
import type { Plan } from '../../governance/index.ts'
import type { Head } from '../../registry/index.ts'
import { confirmed } from '../confirmed.ts'
import { withExamples } from '../examples.ts'
import { countOf } from '../format.ts'
import { longWork } from '../long-work.ts'
import { readPlan } from '../plan-file.ts'
import { checkMayApply, planFor, planOptions } from '../planning.ts'
import { type Session, sessionOf } from '../session.ts'
import { showPlan } from '../show-plan.ts'
import { tellApplied } from '../tell-lineage.ts'
import { toBeWritten } from '../to-be-written.ts'

interface ApplyCommandOptions {
  readonly message?: string
  readonly yes?: boolean
  readonly force?: boolean
  readonly examples: boolean
}

export function addApply(program: Command): void {
  const command = program
    .command('apply')
    .description(
      'Applies a plan exactly as it was reviewed, or refuses if the world moved. Without one it plans, shows and, once that is confirmed, applies.',
    )
    .argument('[plan]', 'what lockstep plan --out has written')
    .option('-m, --message <text>', 'why, for the history')
    .option('-y, --yes', 'apply without asking')
    .option('--no-examples', 'show no real values in the plan')
    .option('--force', 'also where something goes that somebody depends on; the audit log says so')
    .action(apply)
  withExamples(command, [
    'lockstep apply plan.json --message "Activity over an hour"',
    'lockstep apply',
    'lockstep apply --yes --environment prod',
  ])
}

async function apply(path: string | undefined, options: ApplyCommandOptions, command: Command): Promise<void> {
  const { message = '', yes = false, force = false, examples } = options
  const session = await sessionOf(command, { files: true })
  const { output, project, actor } = session
  const { applyPlan, hasChanges, planChanges, refuseViolations } = await import('../../governance/index.ts')
  const planning = await planOptions(session)
  const given = path === undefined ? null : readPlan(project.path(path))
  const asks = given === null && !yes
  const planned = await longWork(output, ({ signal }) => planChanges({ ...planning, signal, examples, ...(asks ? {} : { sample: 0 }) }))
  const plan = given ?? planned.plan
  if (given === null && !hasChanges(plan)) return showApplied(session, planned.head, plan)
  if (asks) {
    if (!process.stdin.isTTY || output.json)
      throw new LockstepError('INVALID_ARGUMENT', 'Nobody is there to confirm the plan', {
        remedy: 'Pass --yes, or a plan that was reviewed: lockstep plan --out plan.json, lockstep apply plan.json.',
      })
    process.stderr.write(`${showPlan(await planFor(session, planned))}\n\n`)
  }
  if (given === null) refuseViolations(plan, force)
  if (asks && !(await confirmed(`Apply this to ${project.environment}?`)))
    throw new LockstepError('INTERRUPTED', 'The plan was not confirmed', { remedy: 'Nothing was applied.' })
  await checkMayApply(session, planned.plan.difference, planned.before, planned.target.snapshot)
  const head = await applyPlan(plan, { ...planning, by: actor, message, planned, force })
  await tellApplied(session, 'apply', planned.plan.difference, planned.target.definitions)
  showApplied(session, head, plan)
}

/** What was done, for people and as JSON. */
export function showApplied({ output, project }: Session, head: Head | null, { difference }: Pick<Plan, 'difference'>): void {
  const { length } = difference.items
  const done = length === 0 ? 'Nothing to do' : `Applied ${countOf(length, 'change')}`
  output.result(
    { environment: project.environment, apply: head?.apply ?? 0, changes: difference.items.map(({ id, effect }) => ({ id, effect })) },
    () => [`${done}: ${project.environment} is at apply ${head?.apply ?? 0}.`, ...toBeWritten(difference, output)].join('\n'),
  )
}
