import { type Definition, FeatureGroup, type FeatureView, itemId } from '../definition/index.ts'
import type { LineageDatasets } from '../governance/index.ts'
import type { Difference } from '../plan/index.ts'
import type { RunKind } from '../registry/index.ts'
import type { Session } from './session.ts'

/** Tells others of what was applied, where the settings say where: the groups that changed, with where each feature comes from. */
export async function tellApplied(
  session: Session,
  kind: RunKind,
  { items }: Pick<Difference, 'items'>,
  definitions: readonly Definition[],
): Promise<void> {
  const { project } = session
  if (!project.config.openLineage || items.length === 0) return
  const { groupDatasets } = await import('../governance/index.ts')
  const changed = new Set(items.map(({ id }) => id))
  const groups = definitions.filter(
    (each): each is FeatureGroup => each instanceof FeatureGroup && changed.has(itemId({ ...each, kind: 'group' })),
  )
  const parts = groups.map((group) => groupDatasets(group, project.environment, 'online', project.histories()))
  const inputs = new Map(parts.flatMap((part) => part.inputs.map((input) => [`${input.namespace} ${input.name}`, input] as const)))
  await tell(session, kind, project.environment, { inputs: [...inputs.values()], outputs: parts.flatMap(({ outputs }) => outputs) })
}

/** The same of a view whose current version is another one now. */
export async function tellSwitched(session: Session, view: FeatureView): Promise<void> {
  const { config, environment } = session.project
  if (!config.openLineage) return
  const { servedDatasets } = await import('../governance/index.ts')
  await tell(session, 'switch', `view:${view.name}@${view.version}`, servedDatasets(view, environment))
}

/** What is so at once: it begins and ends at one moment. What cannot be told is a warning. */
async function tell({ project, output }: Session, kind: RunKind, subject: string, datasets: LineageDatasets): Promise<void> {
  const { openLineage } = project.config
  if (!openLineage) return
  const { OpenLineage } = await import('../governance/index.ts')
  const lineage = new OpenLineage(openLineage, project.environment)
  const run = { id: lineage.newRun(), kind, subject, error: null, at: new Date().toISOString() }
  try {
    await lineage.emit('START', run, datasets)
    await lineage.emit('COMPLETE', run, datasets)
  } catch (error) {
    output.warn((error as Error).message)
  }
}
