import type { Command } from 'commander'
import { LockstepError } from '../../errors.ts'
import { formatMoment } from '../../lib/moment.ts'
import { readConfig } from '../config.ts'
import { confirmOnTerminal } from '../confirmed.ts'
import { environmentOf } from '../environment.ts'
import { remainsOf } from '../environment-remains.ts'
import { withExamples } from '../examples.ts'
import { countOf, formatCount } from '../format.ts'
import { type Session, sessionOf } from '../session.ts'
import { parseDuration } from '../values.ts'

interface EnvironmentCommandOptions {
  readonly within?: string
  readonly reason?: string
  readonly dryRun?: boolean
  readonly force?: boolean
  readonly yes?: boolean
}

const actions = { list, remove } as const

export function addEnvironment(program: Command): void {
  const command = program
    .command('environment')
    .description('Lists the environments of the project, or removes all that the registry knows of one; what its stores keep stays.')
    .argument('<action>', 'list or remove', parseAction)
    .argument('[name]', 'remove: the environment, another than the one that the command works in')
    .option(
      '--within <duration>',
      'remove: callers that read it since so long ago hold it up: 30 days or more (default: 30d)',
      parseDuration,
    )
    .option('--reason <text>', 'remove: why, for the audit log')
    .option('--dry-run', 'remove: only say what would go, and what holds it up')
    .option('--force', 'remove: also where somebody reads it or works in it; the audit log says so')
    .option('-y, --yes', 'remove: do not ask on a terminal')
    .action(environment)
  withExamples(command, [
    'lockstep environment list',
    'lockstep environment remove trial --dry-run',
    'lockstep environment remove trial --yes',
  ])
}

const wrong = (message: string, remedy: string) => new LockstepError('INVALID_ARGUMENT', message, { remedy })

function parseAction(text: string): keyof typeof actions {
  if (Object.hasOwn(actions, text)) return text as keyof typeof actions
  throw wrong(`${JSON.stringify(text)} is nothing that can be done with environments`, 'Write list or remove.')
}

async function environment(
  action: keyof typeof actions,
  name: string | undefined,
  options: EnvironmentCommandOptions,
  command: Command,
): Promise<void> {
  await actions[action](await sessionOf(command, { files: true }), name, options)
}

async function list({ output, project, actor }: Session, named: string | undefined): Promise<void> {
  if (named !== undefined) throw wrong(`List takes no ${named}`, 'Write lockstep environment list.')
  const { access, applies, usage, clock } = await project.registry()
  const { usageSince } = await import('../../governance/index.ts')
  const { declared } = environmentOf(await readConfig(process.cwd()), project.environment)
  const mayRead = await access.mayIn(actor, 'read')
  const names = [...new Set([...declared, project.environment, ...(await applies.environments())])].filter(mayRead)
  const since = usageSince(clock.now())
  const all = await Promise.all(
    names.map(async (name) => {
      const [head, [newest], reads] = await Promise.all([
        applies.head(name),
        applies.history(name, { limit: 1 }),
        usage.read(name, { since }),
      ])
      const read = reads.length === 0 ? null : formatMoment(Math.max(...reads.map(({ last }) => last)))
      return {
        name,
        apply: head?.apply ?? null,
        items: head?.items.size ?? 0,
        changed: newest?.at ?? null,
        lastRead: read,
        declared: declared.includes(name),
      }
    }),
  )
  output.result(all, () =>
    output.table(all, [
      { title: 'environment', value: ({ name }) => name },
      { title: 'apply', align: 'right', value: ({ apply }) => String(apply ?? '') },
      { title: 'changed', value: ({ changed }) => changed ?? '' },
      { title: 'items', align: 'right', value: ({ items }) => formatCount(items) },
      { title: 'last read', value: ({ lastRead }) => lastRead ?? '' },
      { title: '', value: (one) => (one.declared ? 'in the settings' : '') },
    ]),
  )
}

async function remove(
  { output, project, actor }: Session,
  name: string | undefined,
  { within, reason, dryRun = false, force = false, yes = false }: EnvironmentCommandOptions,
): Promise<void> {
  if (name === undefined) throw wrong('The environment to remove is not named', 'Write lockstep environment remove NAME.')
  if (name === project.environment)
    throw wrong(
      `${name} is the environment that this command works in`,
      `Work in another: lockstep environment remove ${name} --environment OTHER.`,
    )
  const registry = await project.registry()
  const { removeEnvironment, reviewEnvironment, usageSince } = await import('../../governance/index.ts')
  await registry.access.check(actor, 'admin', { environment: name }, reason)
  const { config, declared } = environmentOf(await readConfig(process.cwd()), name)
  const since = usageSince(registry.clock.now(), within)
  const reviewed = await reviewEnvironment(registry, name, since)
  const remains = remainsOf(config)
  if (!dryRun) {
    await confirmOnTerminal(`Remove ${name} from the registry for good?`, { yes })
    await removeEnvironment(registry, name, { by: actor, since, force, ...(reason === undefined ? {} : { reason }) })
  }
  const isDeclared = declared.includes(name)
  output.result({ ...reviewed, dryRun, remains, declared: isDeclared }, () => {
    const tables = Object.entries(reviewed.documents)
    const list = output.table(tables, [
      { title: 'table', value: ([table]) => table },
      { title: dryRun ? 'would go' : 'removed', align: 'right', value: ([, count]) => formatCount(count) },
    ])
    const count = countOf(
      tables.reduce((sum, [, each]) => sum + each, 0),
      'document',
    )
    const held = dryRun && reviewed.heldUp.length > 0 ? [`It would be refused: ${reviewed.heldUp.join('; ')}.`] : []
    const settings = isDeclared ? ['The settings name it: take it out of environments there.'] : []
    const stores = remains.length === 0 ? [] : [`Its stores keep what they hold: ${remains.join(', ')}.`]
    const done = dryRun ? `${name}: nothing was changed.` : `${name} is removed: ${count} of the registry. The audit log stays.`
    return [list, [...held, done, ...stores, ...settings].join('\n')].join('\n\n')
  })
}
