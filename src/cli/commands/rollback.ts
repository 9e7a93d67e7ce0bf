import type { Command } from 'commander'
import type { RollBackReview } from '../../governance/index.ts'
import { withExamples } from '../examples.ts'
import { countOf } from '../format.ts'
import { appliedDefinitions } from '../governed.ts'
import { checkMayApply } from '../planning.ts'
import { sessionOf } from '../session.ts'
import { tellApplied } from '../tell-lineage.ts'
import { toBeWritten } from '../to-be-written.ts'
import { parseCount } from '../values.ts'
import { showCurrentChange } from './history.ts'

export function addRollback(program: Command): void {
  const command = program
    .command('rollback')
    .description(
      'Makes an environment hold again what it held after an earlier apply, with the versions that were current. It is an apply of its own.',
    )
    .argument('[apply]', 'the number of the earlier apply; the one before the last that is not rolled back yet by default', parseCount)
    .option('--to <apply>', 'the same', parseCount)
    .option('-m, --message <text>', 'why, for the history')
    .option('--force', 'also where something goes that somebody depends on; the audit log says so')
    .action(rollback)
  withExamples(command, ['lockstep rollback', 'lockstep rollback --to 3 --environment prod --message "Clicks were counted twice"'])
}

async function rollback(
  number: number | undefined,
  options: { readonly to?: number; readonly message?: string; readonly force?: boolean },
  command: Command,
): Promise<void> {
  const session = await sessionOf(command, { files: true })
  const { project, actor, output } = session
  const { environment, files } = project
  const registry = await project.registry()
  const { rollBack } = await import('../../governance/index.ts')
  const reviews: RollBackReview[] = []
  const head = await rollBack({
    registry,
    environment,
    to: options.to ?? number,
    by: actor,
    message: options.message ?? '',
    force: options.force ?? false,
    review: async (review) => {
      reviews.push(review)
      const { difference, before, after, current } = review
      const switched = current.map(({ view }) => view)
      await checkMayApply(session, difference, before, after, switched)
    },
  })
  const { to, difference, current } = reviews[0] as RollBackReview
  const applied = await appliedDefinitions(registry, environment, files)
  for (const { id, why } of applied?.incomplete ?? []) output.warn(`${id} cannot be served by a process that starts: ${why}.`)
  await tellApplied(session, 'rollback', difference, applied?.definitions ?? [])
  const { length } = difference.items
  const changes = difference.items.map(({ id, effect }) => ({ id, effect }))
  output.result({ environment, apply: head.apply, to, changes, current }, () =>
    length + current.length === 0
      ? `Nothing to do: ${environment} holds what apply ${to} left.`
      : [
          `${environment} holds again what apply ${to} left (apply ${head.apply}): ${countOf(length, 'change')}.`,
          ...current.map((change) => `${showCurrentChange(change)}.`),
          ...toBeWritten(difference),
        ].join('\n'),
  )
}
