import { type Command, Option } from 'commander'
import type { Catalogue } from '../../definition/index.ts'
import { showExpression, showRefresh, showType } from '../../definition/index.ts'
import { LockstepError } from '../../errors.ts'
import { suggestion } from '../../lib/suggestion.ts'
import { featureId } from '../../plan/index.ts'
import { type LifeStatus, lifeStatuses, type Standings } from '../../registry/index.ts'
import type { TypeData } from '../../schema/index.ts'
import { withExamples } from '../examples.ts'
import { strong } from '../output.ts'
import { formatRecords, type ThingRecord } from '../records.ts'
import { removedRecords } from '../removed-things.ts'
import { sessionOf } from '../session.ts'

const kinds = ['views', 'groups', 'on-demand', 'features', 'sources', 'entities'] as const
type Kind = (typeof kinds)[number]

type Versioned = { readonly name: string; readonly version: number }
const versioned = ({ name, version }: Versioned) => `${name}@${version}`

/** What is said of each thing in one line. */
const listings: { readonly [K in Kind]: (catalogue: Catalogue, standings: Standings) => readonly ThingRecord[] } = {
  views: ({ views }, standings) =>
    views.map(({ name, version, keys, request, featureNames, owner, description }) => {
      const { status } = standings.of(`view:${name}@${version}`)
      return {
        name,
        version,
        status,
        keys: Object.keys(keys),
        request: Object.keys(request),
        features: featureNames.length,
        owner,
        description,
      }
    }),
  groups: ({ groups }, standings) =>
    groups.map(({ name, version, entity, source, features, refresh, owner, description }) => {
      const { status } = standings.of(versioned({ name, version }))
      const from = { entity: entity.name, source: source.name }
      return { name, version, status, ...from, features: Object.keys(features).length, refresh: showRefresh(refresh), owner, description }
    }),
  'on-demand': ({ onDemand }, standings) =>
    onDemand.map(({ name, version, request, features, owner, description }) => {
      const { status } = standings.of(versioned({ name, version }))
      return { name, version, status, request: Object.keys(request), features: Object.keys(features).length, owner, description }
    }),
  features: ({ groups, onDemand }, standings) => [
    ...groups.flatMap((group) =>
      Object.entries(group.features).map(([name, node]) => {
        const { status } = standings.of(featureId(group, name))
        return { name, type: showType(node.type), group: group.name, version: group.version, status, definition: showExpression(node) }
      }),
    ),
    ...onDemand.flatMap((group) =>
      Object.entries(group.features).map(([name, type]) => {
        const { status } = standings.of(featureId(group, name))
        return { name, type: showType(type), group: group.name, version: group.version, status, definition: 'on demand' }
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
    .addOption(new Option('--status <status>', 'only views, groups and features that stand there').choices(lifeStatuses))
    .action(list)
  withExamples(command, ['lockstep list', 'lockstep list features --status deprecated', 'lockstep list views --json'])
}

function parseKind(text: string): Kind {
  const kind = kinds.find((each) => each === text)
  if (kind) return kind
  throw new LockstepError('INVALID_ARGUMENT', `There is nothing like ${text} to list${suggestion(text, kinds)}`)
}

async function list(kind: Kind | undefined, { status }: { readonly status?: LifeStatus }, command: Command): Promise<void> {
  const { output, project } = await sessionOf(command)
  const standings = await project.standings()
  const records = async (each: Kind) =>
    status === 'removed' ? await removedRecords(project, each) : ofStatus(listings[each](project.catalogue, standings), status)
  const lists: Record<string, readonly ThingRecord[]> = {}
  for (const each of kind === undefined ? kinds : [kind]) lists[each] = await records(each)
  output.result(kind === undefined ? lists : lists[kind], () =>
    Object.entries(lists)
      .map(([each, all]) => {
        const table = all.length === 0 ? 'none' : formatRecords(withoutActive(all), strong)
        return kind === undefined ? `${strong(each.toUpperCase())}\n${table}` : table
      })
      .join('\n\n'),
  )
}

const ofStatus = (records: readonly ThingRecord[], status: LifeStatus | undefined) =>
  status === undefined ? records : records.filter((record) => record.status === status)

/** To people it is said only of what stands elsewhere. */
const withoutActive = (records: readonly ThingRecord[]): ThingRecord[] =>
  records.map((record) => (record.status === 'active' ? { ...record, status: '' } : record))
