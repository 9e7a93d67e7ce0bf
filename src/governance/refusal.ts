import { parseItemId, type Snapshot, type SourceData } from '../definition/index.ts'
import type { ErrorCode } from '../errors.ts'
import { bareId, type Difference, type ItemDifference, type Target } from '../plan/index.ts'
import { isSameTopic, topicChanged } from '../stream/index.ts'

/** Why a plan cannot be applied as it is. */
export interface Refusal {
  readonly code: ErrorCode
  readonly where: string
  readonly message: string
  readonly remedy: string
}

const called = { entity: 'entity', source: 'source', group: 'feature group', onDemand: 'on-demand view', view: 'feature view' } as const

/** Values of a version never change: what computes others is another version. */
export function changedVersions({ items }: Difference, { kept, snapshot }: Target): Refusal[] {
  const isKept = new Set(kept)
  const changed = new Map(items.map((item) => [item.id, item]))
  const next = ({ kind, name }: ItemDifference) =>
    Math.max(...[...snapshot.values()].filter((one) => one.kind === kind && one.name === name).map(({ version }) => version)) + 1
  return items.flatMap((item): Refusal[] => {
    if (item.effect !== 'values' || item.version === 0) return []
    const cause = item.because.length > 0 ? `, as ${item.because.map(bareId).join(', ')} changed` : ''
    const [origins, version] = [originsOf(item, changed), `version: ${next(item)} in ${called[item.kind]} ${item.name}`]
    // What has no version cannot stay beside what it becomes.
    const unversioned = origins.filter((id) => parseItemId(id).version === 0)
    const anew = (unversioned.length > 0 ? unversioned : origins).map(bareId).join(', ')
    const remedy = isKept.has(item.id)
      ? `Declare the changed ${anew} ${unversioned.length > 0 ? 'under another name' : 'in a new version'}, or remove version ${item.version} first: lockstep remove ${item.kind}:${bareId(item.id)}.`
      : unversioned.length > 0
        ? `Declare the changed ${anew} under another name and write ${version}, which reads it; version ${item.version} stays with ${anew} as it was.`
        : `Write ${version}, then lockstep plan again; version ${item.version} stays beside it.`
    return [
      {
        code: 'IMMUTABLE_VERSION',
        where: `${called[item.kind]} ${item.name}`,
        message: `The values of ${bareId(item.id)} would change${cause}, and those of a version never do`,
        remedy,
      },
    ]
  })
}

/** What changed by itself, so that this did. */
function originsOf({ id, because }: ItemDifference, changed: ReadonlyMap<string, ItemDifference>): string[] {
  const causes = because.flatMap((one) => changed.get(one) ?? [])
  return causes.length === 0 ? [id] : [...new Set(causes.flatMap((one) => originsOf(one, changed)))]
}

/** Versions that stay and whose functions are in no file any more cannot be served by a process that starts. */
export function missingCode({ withoutCode, snapshot }: Target): Refusal[] {
  return withoutCode.map((id) => ({
    code: 'DEFINITION_MISMATCH',
    where: `on-demand view ${snapshot.get(id)?.name}`,
    message: `${bareId(id)} stays applied, and its function is in no file any more`,
    remedy: `Keep its function beside the new one, as a definition of its own, or remove it and what reads it first: lockstep remove ${id}.`,
  }))
}

/** Where the live path has come to is told by offsets of the topic that it has read: in another one they are other events. */
export function changedTopics(before: Snapshot, after: Snapshot): Refusal[] {
  return [...after].flatMap(([id, { kind, name, text }]): Refusal[] => {
    const old = kind === 'source' ? before.get(id) : undefined
    if (!old || old.text === text) return []
    const [one, other] = [old.text, text].map((each) => (JSON.parse(each) as Pick<SourceData, 'stream'>).stream)
    if (!one || !other || isSameTopic(one, other)) return []
    const { code, where = `source ${name}`, message, remedy } = topicChanged(name, one, other)
    return [{ code, where, message, remedy }]
  })
}
