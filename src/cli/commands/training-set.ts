import type { Command } from 'commander'
import { LockstepError } from '../../errors.ts'
import type { TrainingSetRecord } from '../../registry/index.ts'
import { checkAllowedOnViews } from '../allowed.ts'
import { withExamples } from '../examples.ts'
import { countOf, formatCount } from '../format.ts'
import { type Session, sessionOf } from '../session.ts'

const actions = { list, retire } as const

export function addTrainingSet(program: Command): void {
  const command = program
    .command('training-set')
    .description('Lists the training sets that were made; retires one that no model depends on, so that features may be removed.')
    .argument('<action>', 'list or retire', parseAction)
    .argument('[id]', 'retire: the training set')
    .action(trainingSet)
  withExamples(command, ['lockstep training-set list', 'lockstep training-set retire 2026-03-01T10:00:00.000000Z-0000034f1c2a'])
}

function parseAction(text: string): keyof typeof actions {
  if (Object.hasOwn(actions, text)) return text as keyof typeof actions
  throw new LockstepError('INVALID_ARGUMENT', `${JSON.stringify(text)} is nothing that can be done with training sets`, {
    remedy: 'Write list or retire.',
  })
}

async function trainingSet(action: keyof typeof actions, id: string | undefined, _options: unknown, command: Command): Promise<void> {
  await actions[action](await sessionOf(command), id)
}

async function list({ output, project }: Session): Promise<void> {
  const { environment } = project
  const sets = await (await project.registry()).trainingSets.list({ environment })
  output.result(sets, () =>
    sets.length === 0
      ? `No training set was made in ${environment}.`
      : output.table(sets, [
          { title: 'id', value: ({ id }) => id },
          { title: 'view', value: ({ view, version }) => `${view}@${version}` },
          { title: 'rows', align: 'right', value: ({ rows }) => formatCount(rows) },
          { title: 'by', value: ({ by }) => by },
          { title: '', value: (set) => [...(set.live ? [] : ['retired']), ...erasedFrom(set)].join(', ') },
          { title: 'path', value: ({ path }) => path },
        ]),
  )
}

const erasedFrom = ({ erased = [] }: TrainingSetRecord): string[] =>
  erased.map(({ rows, at }) => `erased: ${countOf(rows, 'row')} at ${at.slice(0, 10)}`)

async function retire(session: Session, id: string | undefined): Promise<void> {
  const { output, project, actor } = session
  const remedy = 'Write lockstep training-set retire ID; lockstep training-set list shows all.'
  if (id === undefined) throw new LockstepError('INVALID_ARGUMENT', 'The training set is not named', { remedy })
  const { trainingSets, models, audit } = await project.registry()
  const set = await trainingSets.get(id)
  await checkAllowedOnViews(session, 'write', [{ name: set.view, environment: set.environment }])
  const [model] = await models.trainedWith(id)
  if (model)
    throw new LockstepError('IN_USE', `The model ${model.name}@${model.version} was trained with ${id}`, {
      remedy: `Retire it first: lockstep model retire ${model.name}@${model.version}.`,
    })
  const event = { by: actor, action: 'trainingSet.retire', on: `trainingSet:${id}`, environment: set.environment }
  const retired = await trainingSets.retire(id, (before, after) => [audit.put({ ...event, before, after })])
  output.result(retired, () => `${id} is retired: nothing is kept for it any more. Its file is left alone.`)
}
