import { statSync } from 'node:fs'
import { type Command, Option } from 'commander'
import type { Split, TrainingFormat, TrainingSetManifest } from '../../pointintime/index.ts'
import { checkAllowed } from '../allowed.ts'
import { withExamples } from '../examples.ts'
import { countOf, formatBytes, formatSeconds, formatShare } from '../format.ts'
import { longWork } from '../long-work.ts'
import { refuseInput } from '../refuse-input.ts'
import { sessionOf } from '../session.ts'
import { collectPair, parseBytes, parseName, parseSeed, parseSplit, parseThreads, type VersionedName } from '../values.ts'
import { warnOfDeprecated } from '../warn-of-deprecated.ts'
import { warnOfRows } from '../warn-of-rows.ts'

interface TrainOptions {
  readonly labels: string
  readonly out: string
  readonly moment?: string
  readonly column?: Readonly<Record<string, string>>
  readonly timeZone?: string
  readonly asKnown?: boolean
  readonly split?: Split
  readonly seed?: number
  readonly format?: TrainingFormat
  readonly memory?: number
  readonly threads?: number
  readonly overwrite?: boolean
}

export function addTrain(program: Command): void {
  const command = program
    .command('train')
    .description('Builds the training set of a view: each label once, with the values as of its moment.')
    .argument('<view>', 'VIEW, or VIEW@VERSION', parseName)
    .requiredOption('--labels <file>', 'labels: keys, a moment and any other columns; .parquet, .csv or .ndjson')
    .requiredOption('--out <file>', 'the file to write; FILE.manifest.json beside it says what it was made from')
    .option('--moment <column>', 'the column of the labels that holds the moment (default: at)')
    .option('--column <key=name>', 'the column of the labels for a key or request value; may be repeated', collectPair)
    .option('--time-zone <zone>', 'the IANA zone of moments that name none (default: UTC)')
    .option('--as-known', 'only use what was known at the moment of each label')
    .option('--split <parts>', 'add a column split: [validate=MOMENT,]test=MOMENT or COLUMN:train=80,test=20', parseSplit)
    .option('--seed <number>', 'the seed of a split by a column (default: 0)', parseSeed)
    .addOption(
      new Option('--format <format>', 'the format, where the ending of the file does not say').choices(['parquet', 'csv', 'arrow']),
    )
    .option('--memory <size>', 'the memory to use; more data than fit go through the disk', parseBytes)
    .option('--threads <number>', 'the threads to use', parseThreads)
    .option('--overwrite', 'replace the file')
    .action(train)
  withExamples(command, [
    'lockstep train ranking --labels labels.parquet --out ranking.parquet',
    'lockstep train ranking --labels labels.csv --moment ordered_at --column user_id=customer --out ranking.csv',
    'lockstep train ranking --labels labels.parquet --split validate=2026-02-01,test=2026-03-01 --out ranking.parquet',
    'lockstep train ranking --labels labels.parquet --split user_id:train=80,test=20 --memory 1GiB --out ranking.arrow',
  ])
}

async function train(name: VersionedName, options: TrainOptions, command: Command): Promise<void> {
  const session = await sessionOf(command)
  const { output, project } = session
  const view = project.view(name)
  await checkAllowed(session, 'read', [view])
  const { refuseRemoved } = await import('../../governance/index.ts')
  await refuseRemoved(await project.registry(), project.environment, { ...view, features: view.featureNames }, project.catalogue)
  const told = await warnOfDeprecated(view, project, output)
  const path = project.path(options.out)
  const { format, overwrite = false, labels, out: _out, column: columns, memory: memoryLimit, split, seed, ...rest } = options
  // Loaded when it is needed, as the batch engine comes with it.
  const { outputFormat } = await import('../../pointintime/index.ts')
  const write = { overwrite, format: await outputFormat(path, { overwrite, ...(format ? { format } : {}) }) }
  refuseInput(path, project.path(labels), project.catalogue.sources, project.histories())
  const started = performance.now()
  await using store = await project.open()
  const { manifest, reports } = await longWork(output, async (work) => {
    await using set = await store.trainingSet(view, project.path(labels), {
      ...rest,
      ...work,
      ...(columns ? { columns } : {}),
      ...(memoryLimit ? { memoryLimit } : {}),
      ...(split ? { split: seeded(split, seed) } : {}),
    })
    return { manifest: await set.write(path, { ...write, signal: work.signal }), reports: set.reports }
  })
  await warnOfRows(reports, output)
  const seconds = (performance.now() - started) / 1000
  const bytes = statSync(path).size
  output.result({ path, format: write.format, bytes, seconds, manifest, reports, ...told }, () => {
    const features = Object.entries(manifest.nulls)
    const table = output.table(features, [
      { title: 'feature', value: ([feature]) => feature },
      { title: 'null', align: 'right', value: ([, share]) => formatShare(share) },
    ])
    return `${summary(manifest)}, in ${formatSeconds(seconds)}\n\n${table}\n\nWritten to ${options.out} (${formatBytes(bytes)})`
  })
}

const seeded = (split: Split, seed: number | undefined): Split => (split.by === 'key' && seed !== undefined ? { ...split, seed } : split)

const summary = ({ view, rows, nulls }: TrainingSetManifest): string =>
  `Training set of ${view.name} version ${view.version}: ${countOf(rows, 'row')}, ${countOf(Object.keys(nulls).length, 'feature')}`
