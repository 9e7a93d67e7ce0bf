import { type Command, InvalidArgumentError } from 'commander'
import type { Comparison, DifferentValue } from '../../governance/index.ts'
import { checkAllowed } from '../allowed.ts'
import { withExamples } from '../examples.ts'
import { formatCount, formatValue } from '../format.ts'
import { longWork } from '../long-work.ts'
import type { Output } from '../output.ts'
import { sessionOf } from '../session.ts'
import { parseCount, parseSeed, parseThreads } from '../values.ts'

interface CompareCommandOptions {
  readonly sample?: number
  readonly seed?: number
  readonly threads?: number
  readonly online?: boolean
}

export function addCompare(program: Command): void {
  const command = program
    .command('compare')
    .description('Compares two versions of a view on real keys: the share of values that differ, by feature, with examples.')
    .argument('<view>', 'VIEW')
    .argument('<before>', 'a version', parseVersion)
    .argument('<after>', 'another version', parseVersion)
    .option('--online', 'what the online store answers as of now, instead of what history gives')
    .option('--sample <number>', 'the keys that take part (default: 500)', parseCount)
    .option('--seed <number>', 'another choice of keys and moments (default: 1)', parseSeed)
    .option('--threads <number>', 'the threads that read files', parseThreads)
    .action(compare)
  withExamples(command, [
    'lockstep compare ranking 1 2',
    'lockstep compare ranking 1 2 --sample 5000 --json',
    'lockstep compare ranking 1 2 --online',
  ])
}

async function compare(name: string, before: number, after: number, options: CompareCommandOptions, command: Command): Promise<void> {
  const session = await sessionOf(command)
  const { output, project } = session
  const [old, fresh] = [before, after].map((version) => project.view({ name, version })) as [
    ReturnType<typeof project.view>,
    ReturnType<typeof project.view>,
  ]
  await checkAllowed(session, 'read', [old, fresh])
  await using store = await project.open()
  const { sample, seed, threads, online = false } = options
  const chosen = Object.fromEntries(Object.entries({ sample, seed, threads }).filter(([, value]) => value !== undefined))
  const compared = await longWork(output, (work) => store.compare(old, fresh, { ...chosen, ...work, online }))
  output.result({ view: name, before, after, source: online ? 'online' : 'history', ...compared }, () =>
    showComparison(output, compared, [`${name}@${before}`, `${name}@${after}`]),
  )
}

export function showComparison(
  output: Output,
  { keys, asOf, features, added, removed, skipped }: Comparison,
  [before, after]: [string, string],
): string {
  const changed = features.filter(({ different }) => different > 0)
  const table = output.table(features, [
    { title: 'feature', value: ({ feature }) => feature },
    { title: 'compared', align: 'right', value: ({ compared }) => formatCount(compared) },
    { title: 'different', align: 'right', value: ({ different }) => formatCount(different) },
    { title: 'share', align: 'right', value: ({ compared, different }) => share(different, compared) },
  ])
  const examples = changed.map(({ feature, examples: some }) => `${feature}\n${some.map((one) => `  ${exampleText(one)}`).join('\n')}`)
  const lists = [
    [`Only in ${after}`, added],
    [`Only in ${before}`, removed],
    ['Not compared, as they need values of a request', skipped],
  ] as const
  return [
    `${before} and ${after} for ${formatCount(keys)} keys${asOf === undefined ? '' : ` as of ${asOf}`}: ${changed.length === 0 ? 'every value is the same' : `${changed.length} of ${features.length} features differ`}`,
    ...(features.length > 0 ? [table] : []),
    ...examples,
    ...lists.flatMap(([what, names]) => (names.length > 0 ? [`${what}: ${names.join(', ')}`] : [])),
  ].join('\n\n')
}

const share = (different: number, compared: number): string => (compared === 0 ? '' : `${((100 * different) / compared).toFixed(1)} %`)

const exampleText = ({ key, at, before, after }: DifferentValue): string =>
  `${Object.entries(key)
    .map(([name, value]) => `${name}=${formatValue(value)}`)
    .join(' ')} at ${at}: ${formatValue(before)} -> ${formatValue(after)}`

export const parseVersion = (text: string): number => {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('A version is a whole number from 1.')
}
