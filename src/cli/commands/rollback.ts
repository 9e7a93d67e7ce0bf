import type { Command } from 'commander'
import type { Difference } from '../../plan/index.ts'
import { withExamples } from '../examples.ts'
import { appliedDefinitions } from '../governed.ts'
import { checkMayApply } from '../planning.ts'
import { sessionOf } from '../session.ts'
import { tellApplied } from '../tell-lineage.ts'
import { parseCount } from '../values.ts'
import { showApplied } from './apply.ts'

export function addRollback(program: Command): void {
  const command = program
    .command('rollback')
    .description(
      'Makes an environment hold again what it held after an earlier apply, with the versions that were current. It is an apply of its own.',
    )
    .argument('[apply]', 'the number of the earlier apply; the one before the last by default', parseCount)
    .option('--to <apply>', 'the same', parseCount)
    .option('-m, --message <text>', 'why, for the history')
    .action(rollback)
  withExamples(command, ['lockstep rollback', 'lockstep rollback --to 3 --environment prod --message "Clicks were counted twice"'])
}

async function rollback(
  number: number | undefined,
  options: { readonly to?: number; readonly message?: string },
  command: Command,
): Promise<void> {
  const session = await sessionOf(command, { files: true })
  const { project, actor, output } = session
  const { environment, files } = project
  const registry = await project.registry()
  const { rollBack } = await import('../../governance/index.ts')
  let difference: Difference = { items: [], stored: [] }
  const head = await rollBack({
    registry,
    environment,
    to: options.to ?? number,
    by: actor,
    message: options.message ?? '',
    review: async (changes, before, after, switched) => {
      difference = changes
      await checkMayApply(session, changes, before, after, switched)
    },
  })
  const applied = await appliedDefinitions(registry, environment, files)
  for (const { id, why } of applied?.incomplete ?? []) output.warn(`${id} cannot be served by a process that starts: ${why}.`)
  await tellApplied(session, 'rollback', difference, applied?.definitions ?? [])
  showApplied(session, head, { difference })
}
