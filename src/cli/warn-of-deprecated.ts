import type { FeatureView } from '../definition/index.ts'
import type { DeprecatedFeature } from '../governance/index.ts'
import type { Output } from './output.ts'
import type { Project } from './project.ts'

/** Warns of each deprecation that a view reads, once; gives what a JSON document says of its features, nothing where none is. */
export async function warnOfDeprecated(
  view: FeatureView,
  project: Project,
  output: Output,
): Promise<{ readonly deprecated?: readonly DeprecatedFeature[] }> {
  const cycles = await project.lifeCycles()
  if (cycles.every(({ status }) => status !== 'deprecated')) return {}
  const { deprecatedFeature, deprecationsOf, showDeprecation } = await import('../governance/index.ts')
  const found = deprecationsOf(view, cycles)
  if (found.length === 0) return {}
  for (const cycle of new Set(found.map((one) => one.cycle))) output.warn(showDeprecation(cycle))
  return { deprecated: found.map(({ feature, cycle }) => deprecatedFeature(feature, cycle)) }
}
