import type { Command } from 'commander'
import { LockstepError } from '../../errors.ts'
import type { ForgottenPlace } from '../../governance/index.ts'
import { suggestion } from '../../lib/suggestion.ts'
import { withExamples } from '../examples.ts'
import { countOf } from '../format.ts'
import { sessionOf } from '../session.ts'
import { collectPair, typedValues } from '../values.ts'

interface ForgetOptions {
  readonly dryRun?: boolean
  readonly rewriteSources?: boolean
  readonly rewriteTrainingSets?: boolean
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
    .action(forget)
  withExamples(command, [
    'lockstep forget user user_id=u17 --dry-run',
    'lockstep forget user user_id=u17',
    'lockstep forget user user_id=u17 --rewrite-sources --rewrite-training-sets --json',
  ])
}

async function forget(name: string, pairs: readonly string[], options: ForgetOptions, command: Command): Promise<void> {
  const { output, project, actor } = await sessionOf(command)
  const entity = project.catalogue.entities.find((one) => one.name === name)
  if (!entity) {
    const names = project.catalogue.entities.map((one) => one.name)
    throw new LockstepError('UNKNOWN_NAME', `There is no entity ${name}${suggestion(name, names)}`)
  }
  const given = pairs.reduce<Record<string, string>>((before, pair) => collectPair(pair, before), {})
  const keys = typedValues(given, entity.keys, 'key', `The entity ${name}`)
  const { environment } = project
  const { audit } = await project.registry()
  // The audit log says that somebody was forgotten, and not who; also where it was cut off.
  const event = { by: actor, on: `entity:${name}`, environment }
  if (!options.dryRun) await audit.record({ ...event, action: 'forget.begin' })
  await using store = await project.open()
  const report = await store.forget(name, keys, options)
  const after = report.places.map(({ place, name: of, before, after: left }) => ({ place, name: of, before, after: left }))
  if (!options.dryRun) await audit.record({ ...event, action: 'forget', after })
  output.result(report, () => {
    const subject = `${name} ${Object.entries(report.keys)
      .map(([key, value]) => `${key}=${value}`)
      .join(' ')}`
    const elsewhere = report.elsewhere.map((one) => `${one} was not looked at: lockstep forget … --environment ${one}.`)
    if (report.places.length === 0) return [`Nothing is kept of ${subject} in ${environment}.`, ...elsewhere].join('\n')
    const count = (value: number | null) => (value === null ? '?' : String(value))
    const table = output.table<ForgottenPlace>(report.places, [
      { title: 'place', value: ({ place }) => place },
      { title: 'name', value: (one) => one.name },
      { title: 'files', align: 'right', value: ({ files }) => String(files.length) },
      { title: 'rows', align: 'right', value: ({ before }) => count(before) },
      { title: 'left', align: 'right', value: ({ after: left }) => count(left) },
    ])
    const notes = report.places
      .filter(({ note }) => note !== '')
      .map(({ place, name: of, files, note }) =>
        [`${place} ${of}: ${note}`, ...(place === 'source' || place === 'training set' ? files.map((file) => `  ${file}`) : [])].join('\n'),
      )
    const erased = report.places.reduce((sum, { before, after: left }) => sum + (before ?? 0) - (left ?? 0), 0)
    const summary = report.dryRun ? `${subject}: nothing was changed` : `${subject}: ${countOf(erased, 'row')} erased`
    return [table, ...(notes.length > 0 ? [notes.join('\n')] : []), [summary, ...elsewhere].join('\n')].join('\n\n')
  })
}
