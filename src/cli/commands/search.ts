import { type Command, Option } from 'commander'
import { LockstepError } from '../../errors.ts'
import { CatalogueSearch, type FoundKind, foundKinds } from '../../plan/index.ts'
import { type LifeStatus, lifeStatuses, searchWithStatus } from '../../registry/index.ts'
import { withExamples } from '../examples.ts'
import type { Project } from '../project.ts'
import { sessionOf } from '../session.ts'
import { parseCount } from '../values.ts'

interface SearchCommandOptions {
  readonly kind?: FoundKind
  readonly status?: LifeStatus
  readonly limit: number
}

export function addSearch(program: Command): void {
  const command = program
    .command('search')
    .description(
      'Finds features, views, groups, sources, columns and entities by their names, descriptions, tags, owners and columns, the best first.',
    )
    .argument('<words...>', 'what to look for')
    .addOption(new Option('--kind <kind>', 'only these').choices(foundKinds))
    .addOption(new Option('--status <status>', 'only what stands there').choices(lifeStatuses))
    .option('--limit <number>', 'at most so many', parseCount, 20)
    .action(search)
  withExamples(command, ['lockstep search order value', 'lockstep search clicks --kind feature', 'lockstep search growth --limit 5 --json'])
}

const nothing = ({ applied, environment }: Project): string =>
  applied === null
    ? 'Nothing has any of these words.'
    : `Nothing that is applied in ${environment} has any of these words; --files looks in the files instead.`

async function search(words: readonly string[], { kind, status, limit }: SearchCommandOptions, command: Command): Promise<void> {
  if (words.join('').trim() === '')
    throw new LockstepError('INVALID_ARGUMENT', 'There is nothing to look for', {
      remedy: 'Give a word; lockstep list shows all there is.',
    })
  const { output, project } = await sessionOf(command)
  const search = new CatalogueSearch(project.catalogue)
  const found = searchWithStatus(search, await project.standings(), words.join(' '), { kind, limit, status })
  output.result(found, () =>
    found.length === 0
      ? nothing(project)
      : output.table(found, [
          { title: 'kind', value: ({ kind: own }) => own },
          { title: 'name', value: ({ id }) => id },
          { title: 'status', value: (one) => (one.status === 'active' ? '' : (one.status ?? '')) },
          { title: 'owner', value: ({ owner }) => owner },
          { title: 'tags', value: ({ tags }) => tags.join(', ') },
          { title: 'description', value: ({ description }) => description },
        ]),
  )
}
