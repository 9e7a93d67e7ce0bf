import type { Command } from 'commander'
import { checkAllowed } from '../allowed.ts'
import { withExamples } from '../examples.ts'
import { sessionOf } from '../session.ts'
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
  const { project, actor } = session
  await checkAllowed(session, 'define')
  const registry = await project.registry()
  const { environment } = project
  const [{ rollBack }, { differenceOf }] = await Promise.all([import('../../governance/index.ts'), import('../../plan/index.ts')])
  const before = await registry.applies.head(environment)
  const head = await rollBack({ registry, environment, to: options.to ?? number, by: actor, message: options.message ?? '' })
  const [old, now] = [before ? await registry.applies.items(before) : new Map(), await registry.applies.items(head)]
  showApplied(session, head, { difference: differenceOf(old, now) })
}
