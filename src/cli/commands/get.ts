import type { Command } from 'commander'
import type { FeatureView } from '../../definition/index.ts'
import { LockstepError } from '../../errors.ts'
import { formatMoment, momentMicros } from '../../lib/moment.ts'
import type { Vector } from '../../serving/index.ts'
import type { Store } from '../../store/index.ts'
import { checkAllowed } from '../allowed.ts'
import { withExamples } from '../examples.ts'
import { formatValue } from '../format.ts'
import type { Output } from '../output.ts'
import { orRemoved } from '../removed-things.ts'
import { sessionOf } from '../session.ts'
import { collectPair, parseMoment, parseName, typedValues, type VersionedName } from '../values.ts'
import { warnOfDeprecated } from '../warn-of-deprecated.ts'

interface GetOptions {
  readonly request?: Readonly<Record<string, string>>
  readonly asOf?: string
}

export function addGet(program: Command): void {
  const command = program
    .command('get')
    .description('Reads the values of a view for one key from the online store.')
    .argument('<view>', 'VIEW, or VIEW@VERSION', parseName)
    .argument('[key=value...]', 'every key of the view', collectPair)
    .option('--request <name=value>', 'a value that on-demand features need; may be repeated', collectPair)
    .option('--as-of <moment>', 'the moment (default: now); before what the online store knows, history is read instead', parseMoment)
    .action(get)
  withExamples(command, [
    'lockstep get ranking user_id=u17 item_id=i204',
    'lockstep get ranking user_id=u17 item_id=i204 --request latitude=52.52 --request longitude=13.40',
    'lockstep get ranking user_id=u17 item_id=i204 --as-of 2026-03-01T12:00:00Z --json',
  ])
}

/** What is read: a view by its keys, as of a moment. */
interface Read {
  readonly view: FeatureView
  readonly keys: Readonly<Record<string, unknown>>
  readonly request: Readonly<Record<string, unknown>>
  readonly asOf: string
}

/** A vector and where it was read; history knows no status of a value. */
type Found = { readonly source: 'online' | 'history' } & Pick<Vector, 'asOf' | 'values'> & Partial<Pick<Vector, 'features'>>

async function get(
  name: VersionedName,
  given: Readonly<Record<string, string>> = {},
  options: GetOptions,
  command: Command,
): Promise<void> {
  const session = await sessionOf(command)
  const { output, project } = session
  const asked = `view:${name.name}${name.version === undefined ? '' : `@${name.version}`}`
  const view = await orRemoved(project, asked, () => project.view(name))
  await checkAllowed(session, 'read', [view])
  const owner = `The view ${view.name}`
  const read: Read = {
    view,
    keys: typedValues(given, view.keys, 'key', owner),
    request: typedValues(options.request ?? {}, view.request, 'request value', owner),
    asOf: formatMoment(momentMicros(options.asOf ?? new Date())),
  }
  checkComplete(read)
  const told = await warnOfDeprecated(view, project, output)
  await using store = await project.open()
  const unmaterialized = (await store.unmaterialized(view)).map((group) => group.name)
  const found = await readOnline(store, read).catch((error: unknown) => {
    if (!(error instanceof LockstepError) || error.code !== 'READ_BEFORE_STATE') throw error
    output.note(`${error.message}; read from history instead.`)
    return readHistory(store, read)
  })
  if (unmaterialized.length > 0 && found.source === 'online') {
    const names = unmaterialized.join(' ')
    output.warn(`Never materialized: ${names}. Their NOT_FOUND says nothing of the key; run ${output.next(`materialize ${names}`)}.`)
  }
  output.result({ view: view.name, version: view.version, keys: read.keys, unmaterialized, ...found, ...told }, () =>
    show(output, read, found),
  )
}

/** Names all that is missing at once. Throws `MISSING_KEY`, or `INVALID_VALUE` where only values of the request are. */
function checkComplete({ view, keys, request }: Read): void {
  const noKey = Object.keys(view.keys).filter((key) => !Object.hasOwn(keys, key))
  const noValue = Object.entries(view.request).flatMap(([name, type]) => (type.nullable || Object.hasOwn(request, name) ? [] : [name]))
  if (noKey.length + noValue.length === 0) return
  const parts = [
    ...(noKey.length > 0 ? [`the ${noKey.length > 1 ? 'keys' : 'key'} ${noKey.join(', ')}`] : []),
    ...(noValue.length > 0 ? [`the request ${noValue.length > 1 ? 'values' : 'value'} ${noValue.join(', ')}`] : []),
  ]
  const added = [...noKey.map((key) => `${key}=VALUE`), ...noValue.map((value) => `--request ${value}=VALUE`)]
  throw new LockstepError(noKey.length > 0 ? 'MISSING_KEY' : 'INVALID_VALUE', `The view ${view.name} needs ${parts.join(' and ')}`, {
    remedy: `Add ${added.join(' ')}.`,
  })
}

async function readOnline(store: Store, { view, keys, request, asOf }: Read): Promise<Found> {
  const vector = (await store.vector(view, keys, { asOf, request })) as Vector
  return { source: 'online', ...vector }
}

/** A training set of one label; the names of its columns are such that no feature can have them. */
async function readHistory(store: Store, { view, keys, request, asOf }: Read): Promise<Found> {
  const given = Object.entries({ ...keys, ...request })
  const label = Object.fromEntries([['as__of', asOf], ...given.map(([name, value]) => [`given__${name}`, value])])
  const columns = Object.fromEntries(given.map(([name]) => [name, `given__${name}`]))
  await using set = await store.trainingSet(view, [label], { moment: 'as__of', columns })
  for await (const row of set) {
    const values = Object.entries(row).filter(([name]) => !Object.hasOwn(label, name))
    return { source: 'history', asOf, values: Object.fromEntries(values) }
  }
  throw new LockstepError('SOURCE_NOT_FOUND', 'History gave no row')
}

function show(output: Output, { view, keys }: Read, { source, asOf, values, features }: Found): string {
  const key = Object.entries(keys).map(([name, value]) => `${name}=${formatValue(value)}`)
  const state = (name: string) => features?.[name]
  const table = output.table(Object.entries(values), [
    { title: 'feature', value: ([name]) => name },
    { title: 'value', value: ([, value]) => formatValue(value) },
    ...(features
      ? [
          { title: 'status', value: ([name]: [string, unknown]) => state(name)?.status ?? '' },
          { title: 'event time', value: ([name]: [string, unknown]) => state(name)?.eventTime ?? '' },
        ]
      : []),
  ])
  return `${view.name} version ${view.version} of ${key.join(' ')} as of ${asOf}${source === 'history' ? ', from history' : ''}\n\n${table}`
}
