import { type OnlineStore, tableFamily } from '../online/index.ts'
import { type Persistence, persist } from './persist.ts'
import type { PreparedCommit, Unit } from './unit.ts'
import { commitOf } from './unit-text.ts'

interface UnitCommit {
  readonly unit: Unit
  readonly prepared: PreparedCommit
}

export interface CommitTarget extends Persistence {
  readonly state: OnlineStore
  /** Other stores that get the same rows, before the state is committed: they may know of events early, never late. */
  readonly copies: readonly OnlineStore[]
}

/**
 * Stores what units have prepared, in as few transactions as the store allows, and again until it is known to be stored: a commit is
 * compared with the text that it replaces, so repeating it is harmless. Gives the units that another owner has taken over.
 */
export async function commitUnits(target: CommitTarget, commits: readonly UnitCommit[]): Promise<Unit[]> {
  const { state, copies } = target
  const lost: Unit[] = []
  for (let groups: (readonly UnitCommit[])[] = committedTogether(state, commits); groups.length > 0; ) {
    const [group = [], ...rest] = groups
    const again = await persist(target, async () => {
      for (const copy of copies) await copyRows(copy, group)
      return (await storeGroup(state, group)) ? [] : await refused(state, group, lost)
    })
    if (again === null) return lost
    groups = [...again.map((one) => [one]), ...rest]
  }
  return lost
}

/** One transaction for all, or one for those of a family of tables where the store has no larger ones. */
function committedTogether({ capabilities }: OnlineStore, commits: readonly UnitCommit[]): UnitCommit[][] {
  const within = ({ prepared }: UnitCommit) => (capabilities.transactionsWithin === 'family' ? tableFamily(prepared.text.table) : '')
  return [...Map.groupBy(commits, within).values()]
}

async function storeGroup(store: OnlineStore, group: readonly UnitCommit[]): Promise<boolean> {
  const texts = group.map(({ prepared }) => prepared.text)
  const writes = group.flatMap(({ prepared }) => prepared.writes)
  if (!(await commitOf(store)(texts, writes))) return false
  for (const { unit, prepared } of group) unit.committed(prepared)
  return true
}

/** Sealed rows first: a recent part without its base is not looked at, a base without its recent part lacks nothing. */
async function copyRows(copy: OnlineStore, group: readonly UnitCommit[]): Promise<void> {
  for (const { prepared } of group) {
    for (const { table, rows } of prepared.writes) if (rows.length > 0) await copy.write(table, rows)
  }
}

/** Of a refused transaction: those to be tried again one by one; others were stored by an attempt that seemed to fail, or are lost. */
async function refused(store: OnlineStore, group: readonly UnitCommit[], lost: Unit[]): Promise<UnitCommit[]> {
  const again: UnitCommit[] = []
  for (const one of group) {
    const text = await store.readMeta(one.prepared.text.table)
    if (text === one.prepared.text.text) one.unit.committed(one.prepared)
    else if (text === one.prepared.text.expected) again.push(one)
    else lost.push(one.unit)
  }
  return again
}
