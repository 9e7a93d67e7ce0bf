import type { Command } from 'commander'
import { LockstepError } from '../../errors.ts'
import { suggestion } from '../../lib/suggestion.ts'
import { type Description, describableNames, describeThings } from '../describe-things.ts'
import { withExamples } from '../examples.ts'
import { strong } from '../output.ts'
import { formatRecords, type ThingRecord, textOf, titleOf } from '../records.ts'
import { sessionOf } from '../session.ts'
import { formatPairs } from '../table.ts'
import { parseName, type VersionedName } from '../values.ts'

export function addDescribe(program: Command): void {
  const command = program
    .command('describe')
    .description('Says all about a view, group, feature, source or entity: definition, types, owner, hash, who reads it.')
    .argument('<name>', 'its name; of views and groups also NAME@VERSION', parseName)
    .action(describe)
  withExamples(command, ['lockstep describe ranking', 'lockstep describe user_orders@2', 'lockstep describe user_click_count_30m --json'])
}

async function describe(name: VersionedName, _options: unknown, command: Command): Promise<void> {
  const { output, project } = await sessionOf(command)
  const found = describeThings(project.catalogue, name, await project.standings())
  if (found.length === 0) {
    const text = name.version === undefined ? name.name : `${name.name} version ${name.version}`
    throw new LockstepError('UNKNOWN_NAME', `Nothing is called ${text}${suggestion(name.name, describableNames(project.catalogue))}`)
  }
  output.result(found, () => found.map(show).join('\n\n'))
}

function show(description: Description): string {
  const { kind, name, ...rest } = description
  const lists = Object.entries(rest).filter((entry): entry is [string, readonly ThingRecord[]] => isRecords(entry[1]))
  const pairs = Object.entries(rest).flatMap(([title, value]) =>
    isRecords(value) ? [] : [[titleOf(title), textOf(value) || null] as const],
  )
  const tables = lists.map(([title, records]) => `${strong(titleOf(title).toUpperCase())}\n${formatRecords(records, strong)}`)
  return [`${strong(String(name))}  ${kind}\n${formatPairs(pairs)}`, ...tables].join('\n\n')
}

const isRecords = (value: Description[string] | undefined): value is readonly ThingRecord[] =>
  Array.isArray(value) && typeof value[0] === 'object'
