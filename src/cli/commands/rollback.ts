import type { Command } from 'commander'
import type { FeatureGroupData } from '../../definition/index.ts'
import { LockstepError } from '../../errors.ts'
import type { RollBackReview } from '../../governance/index.ts'
import { withExamples } from '../examples.ts'
import { countOf } from '../format.ts'
import { appliedDefinitions } from '../governed.ts'
import { checkMayApply } from '../planning.ts'
import { type Session, sessionOf } from '../session.ts'
import { tellApplied } from '../tell-lineage.ts'
import { toWrite } from '../to-be-written.ts'
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
    .option(
      '--force',
      'also where something goes that somebody depends on, what becomes current is not in the online store, or code is in no file; the audit log says so',
    )
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
  const force = options.force ?? false
  const head = await rollBack({
    registry,
    environment,
    to: options.to ?? number,
    by: actor,
    message: options.message ?? '',
    files,
    checks: project.config.checks ?? {},
    policies: project.config.policies ?? [],
    unwritten: (groups) => unwrittenOf(session, groups, force),
    force,
    review: async (review) => {
      reviews.push(review)
      const { difference, before, after, current, findings } = review
      const switched = current.map(({ view }) => view)
      await checkMayApply(session, difference, before, after, switched)
      for (const { rule, message, where, severity } of findings)
        if (severity === 'error') output.warn(`${message} (${where}, policy ${rule}).`)
    },
  })
  const { to, difference, current, findings, unwritten } = reviews[0] as RollBackReview
  const applied = await appliedDefinitions(registry, environment, files)
  for (const { id, why } of applied?.incomplete ?? []) output.warn(`${id} cannot be served by a process that starts: ${why}.`)
  await tellApplied(session, 'rollback', difference, applied?.definitions ?? [])
  const { length } = difference.items
  const changes = difference.items.map(({ id, effect }) => ({ id, effect }))
  output.result({ environment, apply: head.apply, to, changes, current, findings, unwritten }, () =>
    length + current.length === 0
      ? `Nothing to do: ${environment} holds what apply ${to} left.`
      : [
          `${environment} holds again what apply ${to} left (apply ${head.apply}): ${countOf(length, 'change')}.`,
          ...current.map((change) => `${showCurrentChange(change)}.`),
          ...toWrite(unwritten, output),
        ].join('\n'),
  )
}

/** Where the store cannot be asked, force goes on without. */
async function unwrittenOf({ project, output }: Session, groups: readonly FeatureGroupData[], force: boolean): Promise<FeatureGroupData[]> {
  try {
    await using store = await project.open()
    return await store.unmaterializedOf(groups)
  } catch (error) {
    if (!force || !(error instanceof LockstepError)) throw error
    output.warn(`Nobody knows what is in the online store: ${error.message}.`)
    return []
  }
}
