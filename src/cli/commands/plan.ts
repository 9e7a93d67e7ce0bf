import type { Command } from 'commander'
import { withExamples } from '../examples.ts'
import { exitCodes } from '../exit-codes.ts'
import { quoted } from '../follow-up.ts'
import { longWork } from '../long-work.ts'
import { refusePlanPath, writePlan } from '../plan-file.ts'
import { planFor, planOptions } from '../planning.ts'
import { sessionOf } from '../session.ts'
import { showPlan } from '../show-plan.ts'
import { parseCount } from '../values.ts'

interface PlanCommandOptions {
  readonly out?: string
  readonly sample?: number
  readonly compare: number
  readonly measure: number
  readonly examples: boolean
}

export function addPlan(program: Command): void {
  const command = program
    .command('plan')
    .description(
      'Says what an apply of the files would change: values, stored data, views and who reads them, what it costs, and what policies have ' +
        'against it. Changes nothing. Ends with code 0 where there is nothing to do, 2 where there is, 1 where it would be refused.',
    )
    .option('--out <file>', 'write the plan, to be applied as it was reviewed; it replaces nothing but a plan')
    .option('--sample <number>', 'the keys on which old and new values are compared; 0: no history is read', parseCount)
    .option('--compare <number>', 'the changed groups and on-demand views that are compared', parseCount, 10)
    .option('--no-examples', 'no real values, neither shown nor written')
    .option('--measure <number>', 'the groups whose cost is measured where no run tells it; others go by what was measured', parseCount, 3)
    .action(plan)
  withExamples(command, ['lockstep plan', 'lockstep plan --out plan.json', 'lockstep plan --environment prod --sample 1000 --json'])
}

async function plan({ out, sample, compare, measure, examples }: PlanCommandOptions, command: Command): Promise<void> {
  const session = await sessionOf(command, { files: true })
  const { output, project } = session
  if (out !== undefined) refusePlanPath(project.path(out))
  const { planChanges, hasChanges } = await import('../../governance/index.ts')
  const options = {
    ...(await planOptions(session)),
    ...(sample === undefined ? {} : { sample }),
    compared: compare,
    measured: measure,
    examples,
  }
  const planned = await longWork(output, ({ signal }) => planChanges({ ...options, signal }))
  const made = await planFor(session, planned)
  if (out !== undefined) writePlan(project.path(out), made)
  const isRefused = made.refusals.length > 0 || made.findings.some(({ severity }) => severity === 'error')
  const next = isRefused ? 'it would be refused, as it says above.' : output.next(`apply ${quoted(out ?? '')}`, { begins: true })
  output.result(made, () => [showPlan(made), ...(out === undefined ? [] : [`Written to ${out}: ${next}`])].join('\n\n'))
  process.exitCode = isRefused ? exitCodes.failed : hasChanges(made) ? exitCodes.toDo : exitCodes.ok
}
