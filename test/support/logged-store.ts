import type { AnyView } from '../../src/definition/index.ts'
import { groupHash, selectionsOf } from '../../src/definition/index.ts'
import { momentMicros } from '../../src/lib/moment.ts'
import { FeatureLog, type ReadRecord } from '../../src/monitoring/index.ts'
import { planView } from '../../src/plan/index.ts'
import { type Cell, toCell } from '../../src/schema/index.ts'
import type { FeatureStatus, Vector } from '../../src/serving/index.ts'
import type { Store } from '../../src/store/index.ts'

export interface LoggedRead {
  readonly keys: readonly Readonly<Record<string, unknown>>[]
  readonly request?: Readonly<Record<string, unknown>>
  /** As of when; when it is served by default. */
  readonly asOf?: string
  /** What is changed before it is logged: by the name of the feature, its cell. */
  readonly tampered?: Readonly<Record<string, Cell>>
  readonly statuses?: Readonly<Record<string, FeatureStatus>>
}

/** Reads vectors of a store and logs them as a server would that serves them at a moment. */
export async function logReads(store: Store, view: AnyView, folder: string, servedAt: string, reads: readonly LoggedRead[]): Promise<void> {
  await using log = await FeatureLog.open({ folder, share: 1 })
  const { output } = planView(view)
  for (const [place, { keys, request = {}, asOf = servedAt, tampered = {}, statuses = {} }] of reads.entries()) {
    const vectors = (await store.vectors(view, keys as never, { asOf, request } as never)) as readonly Vector[]
    const record: ReadRecord = {
      id: `${servedAt} ${place}`,
      view: view.name,
      version: view.version,
      caller: 'test',
      model: '',
      moment: momentMicros(asOf),
      knownAt: momentMicros(servedAt),
      features: output.map(({ name }) => name),
      types: output.map(({ type }) => type),
      keys,
      requests: [request],
      cell(row, feature) {
        const { name, type } = output[feature] as (typeof output)[number]
        if (Object.hasOwn(tampered, name)) return tampered[name] as Cell
        return toCell({ ...type, nullable: true }, vectors[row]?.values[name] ?? null, name)
      },
      status(row, feature) {
        const { name } = output[feature] as (typeof output)[number]
        return statuses[name] ?? vectors[row]?.features[name]?.status ?? 'NOT_FOUND'
      },
      groups: [...new Set(selectionsOf(view).map(({ group }) => group))].map(
        (group) => `${group.name}@${group.version}:${groupHash(group)}`,
      ),
      micros: 100,
    }
    log.record(record)
  }
}
