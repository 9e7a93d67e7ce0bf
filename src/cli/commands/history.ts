import type { Command } from 'commander'
import { LockstepError } from '../../errors.ts'
import type { CurrentChange, ItemChange } from '../../registry/index.ts'
import { withExamples } from '../examples.ts'
import { sessionOf } from '../session.ts'
import { parseCount } from '../values.ts'

export function addHistory(program: Command): void {
  const command = program
    .command('history')
    .description(
      'Lists what was applied in an environment, the newest first: when, by whom, why, and how much it changed; with --json, what.',
    )
    .option('--limit <number>', 'at most so many; 20 by default', parseLimit)
    .option('--before <apply>', 'those before the apply of this number', parseCount)
    .action(history)
  withExamples(command, ['lockstep history', 'lockstep history --environment prod --limit 5 --json'])
}

function parseLimit(text: string): number {
  const limit = parseCount(text)
  if (limit > 0) return limit
  throw new LockstepError('INVALID_ARGUMENT', 'A limit of 0 shows nothing', { remedy: 'Write a number above 0.' })
}

async function history({ limit = 20, before }: { readonly limit?: number; readonly before?: number }, command: Command): Promise<void> {
  const { output, project } = await sessionOf(command, { files: true })
  const registry = await project.registry()
  const applies = await registry.applies.history(project.environment, { limit, ...(before === undefined ? {} : { before }) })
  output.result(applies, () => {
    if (applies.length === 0) return `Nothing was applied in ${project.environment}.`
    return output.table(applies, [
      { title: 'apply', align: 'right', value: ({ number }) => String(number) },
      { title: 'kind', value: ({ kind }) => kind },
      { title: 'at', value: ({ at }) => at },
      { title: 'by', value: ({ by }) => by },
      {
        title: 'changes',
        value: ({ changes, current }) => [...countsOf(changes), ...current.map(showCurrentChange)].join(', '),
      },
      { title: 'message', value: ({ message }) => message },
    ])
  })
}

function countsOf(changes: readonly ItemChange[]): string[] {
  const added = changes.filter(({ before }) => before === null).length
  const removed = changes.filter(({ after }) => after === null).length
  const changed = changes.length - added - removed
  const counts = { added, changed, removed }
  return Object.entries(counts).flatMap(([what, count]) => (count > 0 ? [`${count} ${what}`] : []))
}

/** `ranking: 1 → 2` */
export const showCurrentChange = ({ view, before, after }: CurrentChange): string =>
  `${view}: version ${before ?? 'none'} → ${after ?? 'none'}`
