import { join, relative, resolve } from 'node:path'
import type { Command } from 'commander'
import { withExamples } from '../examples.ts'
import { writeProject } from '../init/write-project.ts'
import { Output, type OutputOptions } from '../output.ts'
import type { ProjectOptions } from '../project.ts'

export function addInit(program: Command): void {
  const command = program
    .command('init')
    .description('Writes a small project that runs: definitions, a generated shop, and what to do next.')
    .argument('[folder]', 'the folder of the new project; the current one by default')
    .action(init)
  withExamples(command, ['lockstep init', 'lockstep init shop'])
}

function init(given: string | undefined, _options: unknown, command: Command): void {
  const options = command.optsWithGlobals<OutputOptions & ProjectOptions>()
  const folder = resolve(given ?? options.project ?? '.')
  const { written, kept } = writeProject(folder, new Date())
  const shown = relative(process.cwd(), folder)
  new Output(options).result({ folder, written, kept }, () =>
    [
      `A project in ${shown === '' ? 'this folder' : shown}:`,
      ...written.map((path) => `  ${path}`),
      ...(kept.length === 0 ? [] : [`Kept as they are: ${kept.join(', ')}`]),
      '',
      'Next:',
      ...(process.env.npm_lifecycle_event === 'lockstep' ? nextInClone(shown) : nextSteps(shown)).map((line) => `  ${line}`),
      '',
      'README.md says more.',
    ].join('\n'),
  )
}

const nextSteps = (folder: string): string[] => [
  ...(folder === '' ? [] : [`cd ${folder}`]),
  'npm install',
  'npx lockstep check',
  'npx lockstep train reorder --labels data/labels.csv --out out/reorder.parquet',
]

/** For who called this by `npm run lockstep`, which is a script of the repository alone. */
function nextInClone(folder: string): string[] {
  const project = folder === '' ? '' : ` --project ${folder}`
  const command = 'npm run lockstep --'
  return [
    `${command} check${project}`,
    `${command} train reorder --labels ${join(folder, 'data/labels.csv')} --out ${join(folder, 'out/reorder.parquet')}${project}`,
  ]
}
