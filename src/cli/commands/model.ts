import type { Command } from 'commander'
import { LockstepError } from '../../errors.ts'
import { checkAllowedOnViews } from '../allowed.ts'
import { withExamples } from '../examples.ts'
import { type Session, sessionOf } from '../session.ts'
import { parseName } from '../values.ts'

interface ModelOptions {
  readonly trainingSet?: string
  readonly readIn?: readonly string[]
  readonly owner?: string
  readonly description?: string
}

const actions = { register, list, retire } as const

export function addModel(program: Command): void {
  const command = program
    .command('model')
    .description(
      'Registers the models that read features, with the training set that each was trained with. What a model depends on is not removed until it is retired.',
    )
    .argument('<action>', 'register, list or retire', parseAction)
    .argument('[name]', 'MODEL; retire: MODEL or MODEL@VERSION')
    .option('--training-set <id>', 'register: the training set that it was trained with, as lockstep training-set list shows it')
    .option(
      '--read-in <environment>',
      'register: where it reads, besides where it was trained; may be repeated (default: the environment)',
      (text: string, before: readonly string[] = []) => [...before, text],
    )
    .option('--owner <name>', 'register: who answers for it (default: who is acting)')
    .option('--description <text>', 'register: what it is for')
    .action(model)
  withExamples(command, [
    'lockstep model register ranker --training-set 2026-03-01T10:00:00.000000Z-0000034f1c2a --read-in prod --owner growth',
    'lockstep model list',
    'lockstep model retire ranker@1',
  ])
}

const wrong = (message: string, remedy: string) => new LockstepError('INVALID_ARGUMENT', message, { remedy })

function parseAction(text: string): keyof typeof actions {
  if (Object.hasOwn(actions, text)) return text as keyof typeof actions
  throw wrong(`${JSON.stringify(text)} is nothing that can be done with models`, 'Write register, list or retire.')
}

async function model(action: keyof typeof actions, name: string | undefined, options: ModelOptions, command: Command): Promise<void> {
  await actions[action](await sessionOf(command), name, options)
}

async function register(session: Session, name: string | undefined, options: ModelOptions): Promise<void> {
  const { output, project, actor } = session
  const { trainingSet, readIn = [project.environment], owner = actor, description = '' } = options
  if (name === undefined) throw wrong('The model has no name', 'Write lockstep model register MODEL --training-set ID.')
  if (trainingSet === undefined)
    throw wrong('The training set is not named', 'Name it: --training-set ID; lockstep training-set list shows all.')
  const registry = await project.registry()
  const set = await registry.trainingSets.get(trainingSet)
  const environments = [...new Set([set.environment, ...readIn])]
  const views = environments.map((environment) => ({ name: set.view, environment }))
  await checkAllowedOnViews(session, 'write', views)
  const { registerModel } = await import('../../governance/index.ts')
  const made = await registerModel(registry, { name, trainingSet: set, environments, owner, description, by: actor })
  output.result({ name, ...made }, () => {
    const where = environments.join(', ')
    return `${name}@${made.version} reads ${set.view}@${set.version} in ${where}, and was trained with ${trainingSet}.`
  })
}

async function list({ output, project, actor }: Session): Promise<void> {
  const { models: all, access } = await project.registry()
  const mayRead = await access.mayIn(actor, 'read')
  const models = (await all.list()).flatMap((model) => {
    const versions = model.versions.filter(({ environments }) => environments?.some(mayRead) ?? true)
    return versions.length === 0 ? [] : [{ ...model, versions }]
  })
  const rows = models.flatMap(({ name, versions }) => versions.map((version) => ({ name, ...version })))
  output.result(models, () =>
    rows.length === 0
      ? 'There is no model.'
      : output.table(rows, [
          { title: 'model', value: ({ name, version }) => `${name}@${version}` },
          { title: 'view', value: ({ view }) => `${view.name}@${view.version}` },
          { title: 'in', value: ({ environments }) => environments?.join(', ') ?? 'all' },
          { title: 'training set', value: ({ trainingSet }) => trainingSet },
          { title: 'owner', value: ({ owner }) => owner },
          { title: 'created', value: ({ created }) => created },
          { title: '', value: ({ live }) => (live ? '' : 'retired') },
          { title: 'description', value: ({ description }) => description },
        ]),
  )
}

async function retire(session: Session, text: string | undefined): Promise<void> {
  const { output, project, actor } = session
  if (text === undefined) throw wrong('The model is not named', 'Write lockstep model retire MODEL, or MODEL@VERSION.')
  const { name, version } = parseName(text)
  const { models, trainingSets, audit } = await project.registry()
  const known = (await models.list()).find((one) => one.name === name)
  const sets = new Map((await trainingSets.list()).map((set) => [set.id, set.environment]))
  const views = (known?.versions ?? []).filter((one) => version === undefined || one.version === version)
  await checkAllowedOnViews(
    session,
    'write',
    views.flatMap(({ view, trainingSet, environments = [sets.get(trainingSet) ?? '*'] }) =>
      environments.map((environment) => ({ name: view.name, environment })),
    ),
  )
  const event = { by: actor, action: 'model.retire', on: `model:${text}`, environment: project.environment }
  const retired = await models.retire(name, version, (before, after) => ({ puts: [audit.put({ ...event, before, after })] }))
  output.result(retired, () => `${text} is retired: nothing is kept for it any more.`)
}
