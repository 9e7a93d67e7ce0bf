import { groupHash, onDemandHash } from '../definition/index.ts'
import type { GroupUse, OnDemandStep, OutputValue, ViewPlan } from '../plan/index.ts'
import { assembleCells } from './served-assembly.ts'
import { CellEquality, type DifferingRow, originsOf, usesOf } from './served-comparison.ts'
import type { AskedRow, LateRule, ServedHistory } from './served-history.ts'
import { wasOther } from './served-log.ts'
import type { ServedReason } from './served-report.ts'

/** Why a value of a differing row differs. */
export interface FoundReason {
  readonly reason: ServedReason
  /** Of what was known the value is right. */
  readonly asked: AskedRow
  readonly late: LateRule
}

/** Earlier moments that are tried for a row. */
const mostMoments = 32

/** Finds the reason of each difference: what the status says, what was known then, what was late, what was known a while before. */
export class ServedReasons {
  readonly #plan: ViewPlan
  readonly #history: ServedHistory
  readonly #equality: CellEquality
  readonly #behind: number

  /** `behind`: microseconds that the state of a group may be behind what was known. */
  constructor(plan: ViewPlan, history: ServedHistory, behind: number) {
    this.#plan = plan
    this.#history = history
    this.#equality = new CellEquality(plan)
    this.#behind = behind
  }

  /** By row, in their order, the reason for each feature that differs. */
  async find(rows: readonly DifferingRow[]): Promise<readonly ReadonlyMap<number, FoundReason>[]> {
    const found = rows.map((row) => this.#fromRecord(row))
    const indexes = new Map(rows.map(({ place }, index) => [place, index]))
    const open = (index: number) => (rows[index] as DifferingRow).features.filter((feature) => !found[index]?.has(feature))
    const openRows = (concerns: (feature: number) => boolean = () => true): AskedRow[] =>
      rows.flatMap(({ place, known }, index) => (open(index).some(concerns) ? [{ place, known }] : []))
    const settle = async (asked: readonly AskedRow[], reason: ServedReason, late: LateRule) => {
      await this.#history.values(asked, late, (place, groupCell) => {
        const own = asked[place] as AskedRow
        const index = indexes.get(own.place) as number
        const { request, served } = rows[index] as DifferingRow
        const features = open(index)
        const cells = assembleCells(this.#plan, features, groupCell, request)
        for (const feature of features) {
          if (this.#equality.equal(feature, served.get(feature)?.cell ?? null, cells[feature]))
            found[index]?.set(feature, { reason, asked: own, late })
        }
      })
    }
    await settle(openRows(), 'knownLater', 'all')
    await settle(openRows(), 'late', 'open')
    await settle(openRows(), 'late', 'within')
    for (const use of this.#plan.uses.keys()) {
      const asked = openRows((feature) => usesOf(this.#plan, feature).includes(use))
      if (asked.length > 0) await settle(await this.#history.knownMoments(asked, use, this.#behind, mostMoments), 'behind', 'all')
    }
    return found.map((reasons, index) => this.#closed(rows[index] as DifferingRow, reasons))
  }

  /** What the log itself says. */
  #fromRecord({ features, served, groups, place, known }: DifferingRow): Map<number, FoundReason> {
    const reasons = new Map<number, FoundReason>()
    const asked = { place, known }
    for (const feature of features) {
      const { cell, status } = served.get(feature) ?? { cell: null, status: 'NULL' }
      const reason = cell === null ? reasonOfStatus[status] : undefined
      if (reason) reasons.set(feature, { reason, asked, late: 'all' })
      else if (this.#isOfOthers(feature, groups)) reasons.set(feature, { reason: 'definition', asked, late: 'all' })
    }
    return reasons
  }

  /** Whether another definition of a group or of on-demand code computed a feature. */
  #isOfOthers(feature: number, logged: DifferingRow['groups']): boolean {
    const { uses, steps } = originsOf(this.#plan, feature)
    const groups = uses.map((use) => (this.#plan.uses[use] as GroupUse).plan.group)
    const onDemand = steps.map((step) => (this.#plan.steps[step] as OnDemandStep).onDemand)
    return (
      groups.some((group) => wasOther(logged, group.name, group.version, groupHash(group))) ||
      onDemand.some((one) => wasOther(logged, one.name, one.version, onDemandHash(one)))
    )
  }

  /** What no history gives: a default that was served, or nothing that is known of. */
  #closed({ features, served, place, known }: DifferingRow, reasons: Map<number, FoundReason>): Map<number, FoundReason> {
    for (const feature of features) {
      if (reasons.has(feature)) continue
      const own = served.get(feature)
      const { default: standIn } = this.#plan.output[feature] as OutputValue
      const isDefault = own?.status === 'DEFAULTED' && standIn !== null && this.#equality.equal(feature, own.cell, standIn)
      reasons.set(feature, { reason: isDefault ? 'default' : 'unexplained', asked: { place, known }, late: 'all' })
    }
    return reasons
  }
}

const reasonOfStatus: Readonly<Record<string, ServedReason>> = { TIME_OUT: 'timedOut', FAILED: 'failed', STALE: 'stale' }
