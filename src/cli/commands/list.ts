import type { Command } from 'commander'
import type { Catalogue } from '../../definition/index.ts'
import { showExpression, showRefresh, showType } from '../../definition/index.ts'
import { LockstepError } from '../../errors.ts'
import { suggestion } from '../../lib/suggestion.ts'
import type { TypeData } from '../../schema/index.ts'
import { withExamples } from '../examples.ts'
import { strong } from '../output.ts'
import { formatRecords, type ThingRecord } from '../records.ts'
import { sessionOf } from '../session.ts'

const kinds = ['views', 'groups', 'on-demand', 'features', 'sources', 'entities'] as const
type Kind = (typeof kinds)[number]

/** What is said of each thing in one line. */
const listings: { readonly [K in Kind]: (catalogue: Catalogue) => readonly ThingRecord[] } = {
  views: ({ views }) =>
    views.map(({ name, version, keys, request, featureNames, owner, description }) => {
      return { name, version, keys: Object.keys(keys), request: Object.keys(request), features: featureNames.length, owner, description }
    }),
  groups: ({ groups }) =>
    groups.map(({ name, version, entity, source, features, refresh, owner, description }) => {
      const count = Object.keys(features).length
      return { name, version, entity: entity.name, source: source.name, features: count, refresh: showRefresh(refresh), owner, description }
    }),
  'on-demand': ({ onDemand }) =>
    onDemand.map(({ name, version, request, features, owner, description }) => {
      return { name, version, request: Object.keys(request), features: Object.keys(features).length, owner, description }
    }),
  features: ({ groups, onDemand }) => [
    ...groups.flatMap((group) =>
      Object.entries(group.features).map(([name, node]) => {
        return { name, type: showType(node.type), group: group.name, version: group.version, definition: showExpression(node) }
      }),
    ),
    ...onDemand.flatMap((group) =>
      Object.entries(group.features).map(([name, type]) => {
        return { name, type: showType(type), group: group.name, version: group.version, definition: 'on demand' }
      }),
    ),
  ],
  sources: ({ sources }) =>
    sources.map(({ name, kind, columns, time, history, stream, owner, description }) => {
      const path = history === null ? '' : history.kind === 'rows' ? 'rows in memory' : history.path
      return { name, kind, columns: Object.keys(columns).length, time, history: path, stream: stream?.topic ?? '', owner, description }
    }),
  entities: ({ entities }) => entities.map(({ name, keys, description }) => ({ name, keys: typedNames(keys), description })),
}

const typedNames = (types: Readonly<Record<string, TypeData>>) => Object.entries(types).map(([name, type]) => `${name} ${showType(type)}`)

export function addList(program: Command): void {
  const command = program
    .command('list')
    .description('Lists the views, groups, features, sources and entities of a project.')
    .argument('[kind]', `only these: ${kinds.join(', ')}`, parseKind)
    .action(list)
  withExamples(command, ['lockstep list', 'lockstep list features', 'lockstep list views --json'])
}

function parseKind(text: string): Kind {
  const kind = kinds.find((each) => each === text)
  if (kind) return kind
  throw new LockstepError('INVALID_ARGUMENT', `There is nothing like ${text} to list${suggestion(text, kinds)}`)
}

async function list(kind: Kind | undefined, _options: unknown, command: Command): Promise<void> {
  const { output, project } = await sessionOf(command)
  const lists = Object.fromEntries((kind === undefined ? kinds : [kind]).map((each) => [each, listings[each](project.catalogue)]))
  output.result(kind === undefined ? lists : lists[kind], () =>
    Object.entries(lists)
      .map(([each, records]) => {
        const table = records.length === 0 ? 'none' : formatRecords(records, strong)
        return kind === undefined ? `${strong(each.toUpperCase())}\n${table}` : table
      })
      .join('\n\n'),
  )
}
