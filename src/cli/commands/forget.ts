import type { Command } from 'commander'
import { LockstepError } from '../../errors.ts'
import { appliedElsewhere, type ForgetReport, type ForgottenPlace, refuseEmptyKeys, withEverApplied } from '../../governance/index.ts'
import { suggestion } from '../../lib/suggestion.ts'
import { checkAllowed } from '../allowed.ts'
import { readConfig } from '../config.ts'
import { confirmOnTerminal } from '../confirmed.ts'
import { withExamples } from '../examples.ts'
import { countOf } from '../format.ts'
import type { Output } from '../output.ts'
import { Project, type ProjectOptions } from '../project.ts'
import { sessionOf } from '../session.ts'
import { collectPair, typedValues } from '../values.ts'

interface ForgetOptions {
  readonly dryRun?: boolean
  readonly rewriteSources?: boolean
  readonly rewriteTrainingSets?: boolean
  readonly truncateLog?: boolean
  readonly eraseUnknown?: boolean
  readonly allEnvironments?: boolean
  readonly yes?: boolean
}

/** What was found of the subject in another environment, or why nobody looked. */
interface Elsewhere {
  readonly environment: string
  readonly report: ForgetReport | null
  readonly why: string | null
}

export function addForget(program: Command): void {
  const command = program
    .command('forget')
    .description(
      'Erases one subject from the online stores, live state, event log, history and logs of an environment, and reports what was touched.',
    )
    .argument('<entity>', 'the name of an entity')
    .argument('<key=value...>', 'its keys')
    .option('--dry-run', 'only look, and report')
    .option('--rewrite-sources', 'rewrite the files of sources too, which are not the store’s')
    .option('--rewrite-training-sets', 'rewrite training sets that were recorded')
    .option('--truncate-log', 'remove from a log that cannot erase single records all up to the last one of the subject, also of others')
    .option(
      '--erase-unknown',
      'erase also what holds the subject’s values in tables, topics, files and columns that no definition says are about it',
    )
    .option('--all-environments', 'erase in every environment; else the others are only looked at')
    .option('-y, --yes', 'do not ask on a terminal')
    .addHelpText('after', '\nThe exit code is 1 where something of the subject is left, or may be: the report says what and why.')
    .action(forget)
  withExamples(command, [
    'lockstep forget user user_id=u17 --dry-run',
    'lockstep forget user user_id=u17',
    'lockstep forget user user_id=u17 --rewrite-sources --rewrite-training-sets --all-environments --json',
  ])
}

async function forget(name: string, pairs: readonly string[], options: ForgetOptions, command: Command): Promise<void> {
  const { output, project } = await sessionOf(command)
  const keysIn = async ({ catalogue, environment }: Project) => {
    const registry = await project.registry()
    const [own, other] = [await withEverApplied(catalogue, registry, environment), await appliedElsewhere(registry, environment)]
    const entities = [...own.entities, ...other.entities]
    const entity = entities.find((one) => one.name === name)
    if (!entity) {
      const names = entities.map((one) => one.name)
      throw new LockstepError('UNKNOWN_NAME', `There is no entity ${name}${suggestion(name, names)}`)
    }
    const given = pairs.reduce<Record<string, string>>((before, pair) => collectPair(pair, before), {})
    refuseEmptyKeys(given)
    return typedValues(given, entity.keys, 'key', `The entity ${name}`)
  }
  const keys = await keysIn(project)
  const { allEnvironments = false, yes = false, ...wishes } = options
  const where = allEnvironments ? 'all environments' : project.environment
  await confirmOnTerminal(`Erase ${name} ${pairs.join(' ')} from ${where} for good?`, { yes: yes || options.dryRun === true })
  const report = await forgetIn(project, name, keys, wishes)
  const others: Elsewhere[] = []
  for (const environment of await otherEnvironments(project)) {
    try {
      const other = await Project.load({ ...placed(command, project), environment, needsFiles: 'rarely' })
      await checkAllowed({ output, project: other, actor: other.actor }, 'forget')
      const found = await forgetIn(other, name, await keysIn(other), allEnvironments ? wishes : { ...wishes, dryRun: true })
      others.push({ environment, report: found, why: null })
    } catch (error) {
      if (!(error instanceof LockstepError)) throw error
      others.push({ environment, report: null, why: error.message })
    }
  }
  const meant = [report, ...(allEnvironments ? others.map((other) => other.report) : [])]
  if (!options.dryRun && meant.some((one) => !one?.complete)) process.exitCode = 1
  output.result({ ...report, environment: project.environment, others }, () =>
    [
      showReport(report, project.environment, output),
      ...others.map(({ environment, report: found, why }) => {
        if (found === null) return `${environment} was not looked at: ${why}`
        if (allEnvironments) return showReport(found, environment, output)
        const places = found.places.map(({ place, name: of }) => `${place} ${of}`)
        return places.length === 0
          ? `Nothing is kept in ${environment}.`
          : `${environment} still holds the subject, or may: ${places.join(', ')}. Add --all-environments, or run it with --environment ${environment}.`
      }),
    ].join('\n\n'),
  )
}

async function forgetIn(
  project: Project,
  name: string,
  keys: Readonly<Record<string, unknown>>,
  options: Omit<ForgetOptions, 'allEnvironments' | 'yes'>,
): Promise<ForgetReport> {
  await using store = await project.open()
  return await store.forget(name, keys, options)
}

/** Those in which something was applied, and those that the settings declare. */
async function otherEnvironments(project: Project): Promise<string[]> {
  const { environment = 'dev', environments = {} } = await readConfig(process.cwd())
  const applied = await (await project.registry()).applies.environments()
  return [...new Set([environment, ...Object.keys(environments), ...applied])].filter((each) => each !== project.environment).sort()
}

/** The options of all commands, with paths as they are seen from the project's folder, which is the working folder by now. */
function placed(command: Command, project: Project): ProjectOptions {
  const { definitions, history, ...rest } = command.optsWithGlobals<ProjectOptions>()
  return {
    ...rest,
    project: '.',
    ...(definitions === undefined ? {} : { definitions: project.path(definitions) }),
    ...(history === undefined
      ? {}
      : { history: Object.fromEntries(Object.entries(history).map(([source, path]) => [source, project.path(path)])) }),
  }
}

function showReport(report: ForgetReport, environment: string, output: Output): string {
  const subject = `${report.entity} ${Object.entries(report.keys)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ')}`
  if (report.places.length === 0) return `Nothing is kept of ${subject} in ${environment}.`
  const count = (value: number | null) => (value === null ? '?' : String(value))
  const table = output.table<ForgottenPlace>(report.places, [
    { title: 'place', value: ({ place }) => place },
    { title: 'name', value: (one) => one.name },
    { title: 'files', align: 'right', value: ({ files }) => String(files.length) },
    { title: 'rows', align: 'right', value: ({ before }) => count(before) },
    { title: 'left', align: 'right', value: ({ after }) => count(after) },
  ])
  const notes = report.places
    .filter(({ note }) => note !== '')
    .map(({ place, name: of, files, note, known }) =>
      [
        `${place} ${of}: ${note}`,
        ...(place === 'source' || place === 'training set' || !known ? files.map((file) => `  ${file}`) : []),
      ].join('\n'),
    )
  const erased = report.places.reduce((sum, { before, after }) => sum + (before ?? 0) - (after ?? 0), 0)
  const summary = report.dryRun
    ? `${subject}: nothing was changed in ${environment}`
    : `${subject}: ${countOf(erased, 'row')} erased in ${environment}${report.complete ? '' : ', not all that there is or may be'}`
  return [table, ...(notes.length > 0 ? [notes.join('\n')] : []), summary].join('\n\n')
}
