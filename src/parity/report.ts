import type { Explanation } from '../pointintime/index.ts'
import type { FeatureStatus } from '../serving/index.ts'
import type { Outcome } from '../stream/index.ts'

/** What was found when a view's values were computed by every path from the same events; values in their public form. */
export interface ParityReport {
  readonly view: { readonly name: string; readonly version: number }
  /** Gives the same questions and orders of arrival again. */
  readonly seed: number
  readonly groups: readonly ParityGroup[]
  /** By path, over all groups. */
  readonly paths: readonly ParityPath[]
  readonly total: ParityCounts
  /** Whether something was compared, nothing differs but for late events, and no event that came in time was left out. */
  readonly proven: boolean
  /** The first differences of each path that no late event explains. */
  readonly differences: readonly ParityDifference[]
  /** Of the differences that late events explain, the first of each path. */
  readonly lateDifferences: readonly ParityDifference[]
  /** What was not compared, and why. */
  readonly notes: readonly string[]
  readonly seconds: number
}

export interface ParityCounts {
  /** Values: of each feature, its status and event time. */
  readonly compared: number
  readonly equal: number
  /** Differences that are those of an event that came later than the source's lateness allows: the only ones that may be. */
  readonly late: number
  /** All other differences. */
  readonly different: number
}

export interface ParityGroup {
  readonly name: string
  readonly version: number
  readonly source: string
  /** Keys and rows that took part, and the keys that there are. */
  readonly keys: number
  readonly allKeys: number
  readonly rows: number
  /** Pairs of key and moment. */
  readonly questions: number
}

export interface ParityPath extends ParityCounts {
  readonly path: string
  readonly questions: number
  /** Questions that this path could not be asked, as its state had gone on, or had not yet come so far. */
  readonly unasked: number
  /** Streams: what became of the rows, those taken again after a restart counted again. */
  readonly outcomes: Readonly<Record<Outcome, number>> | null
  /** Streams: rows that came too late to count, and those of them that came within the lateness and should have counted. */
  readonly lateRows: number
  readonly refusedRows: number
  readonly restarts: number
  readonly seconds: number
}

export interface ParityDifference {
  readonly path: string
  readonly group: string
  readonly feature: string
  readonly key: Readonly<Record<string, unknown>>
  readonly asOf: string
  /** What the training set holds. */
  readonly expected: ParityValue
  readonly found: ParityValue | { readonly error: string }
  /** The late events of the key before the moment, newest first; empty where the difference is not theirs. */
  readonly lateEvents: readonly LateEvent[]
  /** The events that the expected value comes from; null beyond the first few. */
  readonly explanation: Explanation | null
}

export interface ParityValue {
  readonly value: unknown
  readonly status: FeatureStatus
  readonly eventTime: string | null
}

export interface LateEvent {
  readonly time: string
  /** Its id, or its columns where its source declares none. */
  readonly event: Readonly<Record<string, unknown>>
  /** The newest event time that had come before it. */
  readonly after: string
}

/** Adds up the reports of one path over several groups, in the order in which paths first came. */
export function addPaths(all: readonly ParityPath[]): ParityPath[] {
  return [...Map.groupBy(all, ({ path }) => path).values()].map((reports) => reports.reduce(addPath))
}

function addPath(a: ParityPath, b: ParityPath): ParityPath {
  const outcomes =
    a.outcomes && b.outcomes
      ? {
          accepted: a.outcomes.accepted + b.outcomes.accepted,
          duplicate: a.outcomes.duplicate + b.outcomes.duplicate,
          corrected: a.outcomes.corrected + b.outcomes.corrected,
          late: a.outcomes.late + b.outcomes.late,
        }
      : (a.outcomes ?? b.outcomes)
  return {
    path: a.path,
    ...addCounts([a, b]),
    questions: a.questions + b.questions,
    unasked: a.unasked + b.unasked,
    outcomes,
    lateRows: a.lateRows + b.lateRows,
    refusedRows: a.refusedRows + b.refusedRows,
    restarts: a.restarts + b.restarts,
    seconds: a.seconds + b.seconds,
  }
}

export function addCounts(all: readonly ParityCounts[]): ParityCounts {
  const sum = (of: keyof ParityCounts) => all.reduce((total, counts) => total + counts[of], 0)
  return { compared: sum('compared'), equal: sum('equal'), late: sum('late'), different: sum('different') }
}
