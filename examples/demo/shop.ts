import { statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { FeatureState, Vector } from 'lockstep'
import { countOf, formatBytes, formatCount, formatValue } from '../../src/cli/format.ts'
import { strong } from '../../src/cli/output.ts'
import { showExplanation } from '../../src/cli/show-explanation.ts'
import { formatPairs, formatTable } from '../../src/cli/table.ts'
import { itemOrders } from '../shop/definitions/item.ts'
import { type RankingVector, ranking } from '../shop/definitions/views.ts'
import { compareReads } from './compare-reads.ts'
import { definitions, openShop, provideShop } from './shop-project.ts'
import { busyReader, type Read, sampleOfLabels } from './shop-reads.ts'
import { Steps, shownMoment, sumOf, timed } from './steps.ts'

export interface ShopDemoOptions {
  readonly folder: string
  readonly events: number
  readonly seed: number
  readonly signal: AbortSignal
}

const minute = 60_000
const day = 24 * 60 * minute
/** How many vectors are compared with training rows, at each of two moments. */
const compared = 500

/** Shows the whole way on a generated shop; resolves to the exit code. */
export async function shopDemo({ folder, events, seed, signal }: ShopDemoOptions): Promise<number> {
  const place = join(folder, `shop-${events}-${seed}`)
  const data = join(place, 'shop')
  const output = join(place, 'ranking.parquet')
  console.log(strong('Lockstep: define a feature once, get the same value in training and in serving.'))
  console.log(`All files go to ${place}.\n`)
  const steps = new Steps()

  const shop = await steps.run(
    'Generate a shop',
    (tell) => provideShop({ path: data, seed, events, signal, progress: (step, share) => tell(`${step} ${Math.floor(share * 100)} %`) }),
    (made) => [
      `${countOf(made.events, 'event')} until ${shownMoment(new Date(made.to))}, from seed ${seed}`,
      `${formatCount(made.late)} come late, ${formatCount(made.duplicates)} twice, ${formatCount(made.corrections)} are corrected later`,
      ...(made.kept ? ['kept from an earlier run'] : []),
    ],
  )
  const end = new Date(shop.to)
  const later = new Date(end.getTime() + 30 * minute)

  await using store = await steps.run(
    'Read definitions',
    () => openShop(place, data),
    ({ groups, views }) => {
      const features = groups.flatMap((group) => Object.keys(group.features))
      return [
        `${countOf(groups.length, 'group')} of ${countOf(features.length, 'feature')}, ${countOf(views.length, 'view')}: ${relative('.', definitions)}`,
      ]
    },
  )

  await steps.run(
    'Build a training set',
    async (tell) => {
      await using set = await store.trainingSet(ranking, join(data, 'labels.parquet'), { signal, progress: ({ stage }) => tell(stage) })
      return await set.write(output, { overwrite: true, signal })
    },
    ({ rows }) => [
      `${countOf(rows, 'label')} x ${countOf(ranking.featureNames.length, 'feature')}, each as of the moment of its label`,
      `ranking.parquet (${formatBytes(statSync(output).size)}), and its manifest beside it`,
    ],
  )

  await steps.run(
    'Materialize',
    (tell) => store.materialize(undefined, { asOf: end, signal, progress: ({ stage }) => tell(stage) }),
    (results) => [
      `${countOf(sumOf(results, 'written'), 'row')} of ${countOf(results.length, 'group')} (${formatBytes(sumOf(results, 'bytes'))}), as of ${shownMoment(end)}`,
    ],
  )

  const { keys, request }: Read = await busyReader(data, end)
  const { now, afterwards } = await steps.run(
    'Read a vector',
    async () => {
      const [found, micros] = await timed(() => store.vector(ranking, keys, { asOf: end, request }))
      return { now: found, micros, afterwards: await store.vector(ranking, keys, { asOf: later, request }) }
    },
    ({ micros }) => [`${countOf(ranking.featureNames.length, 'value')} in ${micros.toFixed(0)} µs; and once more as of half an hour later`],
  )
  steps.show(`${strong(`${keys.user_id} looks at ${keys.item_id}`)}\n\n${showVectors(now, afterwards)}

Nothing happened in that half hour: windows move on, and so do values.`)

  const explanation = await steps.run(
    'Explain a value',
    () => store.explain(ranking, 'user_click_count_30m', { user_id: keys.user_id }, { asOf: end, limit: 3, signal }),
    ({ feature }) => [`${feature}: which events count, which do not, and why`],
  )
  steps.show(showExplanation(explanation))

  const { different } = await steps.run(
    'Compare both paths',
    async (tell) => {
      const reads = await sampleOfLabels(data, shop, compared)
      return await compareReads(store, reads, [end, later], { signal, progress: ({ stage }) => tell(stage) })
    },
    (found) => [
      `${countOf(found.vectors, 'vector')}: as served, and as rows of a training set`,
      strong(`${countOf(found.values, 'value')} compared, ${formatCount(found.different)} different`),
    ],
  )

  await steps.run(
    'Backfill a group',
    (tell) => {
      const from = new Date(end.getTime() - 6 * day)
      return store.backfill(itemOrders, { from, to: later, every: '1d', signal, progress: ({ stage }) => tell(stage) })
    },
    ({ group, rows }) => [`${group} at seven midnights: ${countOf(rows, 'row')} in the offline store`],
  )

  console.log(`\n${strong(different === 0 ? `Done in ${steps.seconds.toFixed(0)} s.` : 'Served values differ from training.')}

${strong('What there is now')}
${formatPairs([
  [data, 'the history, and the labels'],
  [output, 'the training set'],
  [join(place, 'store'), 'the online store (LMDB) and the offline store (Parquet)'],
  [relative('.', definitions), 'the definitions, in TypeScript'],
])}

${strong('What to try next')}
${nextCommands(place, { keys, request }, end).join('\n')}

The same on real data, with every value checked: npm run demo -- --data online_retail.parquet (see --help)`)
  return different === 0 ? 0 : 1
}

function showVectors(now: Vector<RankingVector>, afterwards: Vector<RankingVector>): string {
  const states: Readonly<Record<string, FeatureState>> = now.features
  const others: Readonly<Record<string, unknown>> = afterwards.values
  return formatTable(
    Object.entries<unknown>(now.values),
    [
      { title: 'feature', value: ([name]) => name },
      { title: now.asOf, value: ([, value]) => formatValue(value) },
      { title: '30 min later', value: ([name, value]) => (isDeepStrictEqual(others[name], value) ? '' : formatValue(others[name])) },
      { title: 'status', value: ([name]) => states[name]?.status ?? '' },
      { title: 'last event', value: ([name]) => states[name]?.eventTime ?? '' },
    ],
    strong,
  )
}

function nextCommands(place: string, { keys, request }: Read, end: Date): string[] {
  const pairs = (values: object) => Object.entries(values).map(([name, value]) => `${name}=${value}`)
  const requests = pairs(request).map((pair) => `--request ${pair}`)
  return [
    'describe ranking',
    `get ranking ${[...pairs(keys), ...requests].join(' ')} --as-of ${shownMoment(new Date(end.getTime() + minute))}`,
    `explain ranking.user_order_value_avg_90d user_id=${keys.user_id} --as-of ${shownMoment(end)}`,
  ].map((command) => `npm run -s lockstep -- -p ${place} ${command}`)
}
