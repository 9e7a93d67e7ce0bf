import { type Definition, FeatureGroup, itemId } from '../definition/index.ts'
import type { Difference } from '../plan/index.ts'
import type { RunKind } from '../registry/index.ts'
import type { Session } from './session.ts'

/** Tells others of what was applied, where the settings say where: the groups that changed, with where each feature comes from. */
export async function tellApplied(
  { project, output }: Session,
  kind: RunKind,
  { items }: Pick<Difference, 'items'>,
  definitions: readonly Definition[],
): Promise<void> {
  const { openLineage } = project.config
  if (!openLineage || items.length === 0) return
  const { groupDatasets, OpenLineage } = await import('../governance/index.ts')
  const { environment } = project
  const changed = new Set(items.map(({ id }) => id))
  const groups = definitions.filter(
    (each): each is FeatureGroup => each instanceof FeatureGroup && changed.has(itemId({ ...each, kind: 'group' })),
  )
  const parts = groups.map((group) => groupDatasets(group, environment, 'online', project.histories()))
  const inputs = new Map(parts.flatMap((part) => part.inputs.map((input) => [`${input.namespace} ${input.name}`, input] as const)))
  const datasets = { inputs: [...inputs.values()], outputs: parts.flatMap(({ outputs }) => outputs) }
  const lineage = new OpenLineage(openLineage, environment)
  const run = { id: lineage.newRun(), kind, subject: environment, error: null }
  try {
    // What is applied is so at once: it begins and ends at one moment.
    const at = new Date().toISOString()
    await lineage.emit('START', { ...run, at }, datasets)
    await lineage.emit('COMPLETE', { ...run, at }, datasets)
  } catch (error) {
    output.warn((error as Error).message)
  }
}
