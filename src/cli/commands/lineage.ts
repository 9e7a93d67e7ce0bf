import { type Command, Option } from 'commander'
import { Lineage, type LineageDirection, type LineageReaders } from '../../plan/index.ts'
import { withExamples } from '../examples.ts'
import { strong } from '../output.ts'
import type { Project } from '../project.ts'
import { sessionOf } from '../session.ts'
import { lineageMermaid, lineageTree } from '../show-lineage.ts'
import { parseCount } from '../values.ts'

interface LineageOptions {
  readonly up?: boolean
  readonly down?: boolean
  readonly format: 'text' | 'json' | 'mermaid'
  readonly depth?: number
}

export function addLineage(program: Command): void {
  const command = program
    .command('lineage')
    .description(
      'Shows what a column, feature, view, training set, model or caller comes from, and what comes from it: column by column, feature by feature.',
    )
    .argument(
      '<node>',
      'source:NAME[.COLUMN], GROUP[@VERSION][.FEATURE], FEATURE, view:NAME[@VERSION][.FEATURE], trainingSet:ID, model:NAME or caller:NAME',
    )
    .option('--up', 'only what it comes from')
    .option('--down', 'only what comes from it')
    .addOption(new Option('--format <format>', 'how it is shown').choices(['text', 'json', 'mermaid']).default('text'))
    .option('--depth <number>', 'how many steps away', parseCount)
    .action(show)
  withExamples(command, [
    'lockstep lineage source:orders.total --down',
    'lockstep lineage user_orders@1.user_order_count_7d',
    'lockstep lineage view:ranking --up --format mermaid',
    'lockstep lineage model:ranker --up --depth 2 --json',
  ])
}

async function show(node: string, { up, down, format, depth }: LineageOptions, command: Command): Promise<void> {
  const { output, project } = await sessionOf(command)
  const lineage = new Lineage(project.catalogue, await readersOf(project))
  const start = lineage.find(node)
  const directions: LineageDirection[] = up === down ? ['up', 'down'] : up ? ['up'] : ['down']
  const parts = directions.map((direction) => [direction, lineage.reach(start, direction, depth)] as const)
  if (format === 'mermaid' && !output.json) {
    const text = lineageMermaid(parts.map(([, part]) => part))
    output.result(null, () => text)
    return
  }
  const found = Object.fromEntries(parts.map(([direction, { nodes, edges }]) => [direction, { nodes, edges }]))
  const document = { start, ...found }
  if (format === 'json' && !output.json) process.stdout.write(`${JSON.stringify(document, null, 2)}\n`)
  else
    output.result(document, () =>
      directions
        .map((direction) => {
          const trees = start.map((id) => lineageTree(lineage, id, direction, depth ?? Number.POSITIVE_INFINITY))
          return `${strong(direction === 'up' ? 'COMES FROM' : 'GOES TO')}\n${trees.join('\n')}`
        })
        .join('\n\n'),
    )
}

/** Who reads what, as far as the registry knows. */
export async function readersOf(project: Project): Promise<LineageReaders> {
  const { trainingSets, models, usage } = await project.registry()
  return {
    trainingSets: await trainingSets.list({ environment: project.environment }),
    models: await models.list(),
    reads: await usage.read(project.environment),
  }
}
