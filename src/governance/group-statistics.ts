import { FeatureGroup, type FeatureGroupData, featureView } from '../definition/index.ts'
import { formatMoment, type Micros } from '../lib/moment.ts'
import { Duck, type SourcePlaces } from '../offline/index.ts'
import { buildTrainingSet, engineOptions, labelsFrom, type TrainingSetOptions, type TrainingStatistics } from '../pointintime/index.ts'
import { sampleKeys } from './sample-keys.ts'

export interface GroupStatisticsOptions
  extends Pick<TrainingSetOptions, 'memoryLimit' | 'threads' | 'temporaryFolder' | 'signal' | 'progress'> {
  /** The moment that the values are as of, in microseconds. */
  readonly asOf: Micros
  /** At most so many keys are looked at. Default: 1,000. */
  readonly sample?: number
  /** Where the source is read. */
  readonly places?: SourcePlaces
}

/** What the values of a group are like as of a moment, for a sample of the keys that its history knows by then, always the same ones. */
export async function groupStatistics(
  group: FeatureGroupData,
  { asOf, sample = 1_000, places = {}, ...work }: GroupStatisticsOptions,
): Promise<{ readonly statistics: readonly TrainingStatistics[]; readonly sampledKeys: number | null }> {
  await using duck = await Duck.open(engineOptions(work))
  const keys = await sampleKeys(duck, group, { sample, seed: 1, places, asOf })
  const whole = featureView({
    name: group.name,
    version: group.version,
    features: [group instanceof FeatureGroup ? group : new FeatureGroup(group)],
  })
  // Names that no feature can have.
  const columns = Object.fromEntries(Object.keys(group.entity.keys).map((name) => [name, `given__${name}`]))
  const labels = keys.map(({ key }) => ({
    as__of: formatMoment(asOf),
    ...Object.fromEntries(Object.entries(key).map(([name, value]) => [`given__${name}`, value])),
  }))
  if (labels.length === 0) return { statistics: [], sampledKeys: null }
  await using set = await buildTrainingSet(whole, labelsFrom(labels, { moment: 'as__of', columns }), { ...work, ...places })
  return { statistics: await set.statistics(), sampledKeys: keys.length < sample ? null : keys.length }
}
