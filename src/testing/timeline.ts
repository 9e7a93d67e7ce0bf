import type { AnyView, FeatureGroup } from '../definition/index.ts'
import type { FeatureStatus } from '../serving/index.ts'

/** What a feature test is about: a view, or a group alone. */
// biome-ignore lint/suspicious/noExplicitAny: matches every group
export type Subject = AnyView | FeatureGroup<any, any>
type RequestOf<S> = S extends { readonly requestTypes: infer Request } ? Request : Record<never, never>

/** Events, and what features are to be at moments between them. Values are in their public form (see `t`). */
export interface Timeline<S extends Subject = Subject> {
  /** A view, or a group alone. */
  readonly of: S
  /**
   * By the name of a source its events, or the rows of its table, in the order in which they arrive. The stream has been given
   * those up to the last one that a moment can see before the moment is read. Sources that are not named have none.
   */
  readonly events: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>
  readonly expect: readonly Expectation<S>[]
}

export interface Expectation<S extends Subject = Subject> {
  readonly at: Date | string
  readonly keys: S['keyTypes']
  /** The values that the caller gives, for features computed on demand. */
  readonly request?: RequestOf<S>
  /** Features that are not named need only be the same on every path. */
  readonly values?: Partial<S['valueTypes']>
  readonly status?: { readonly [Name in keyof S['valueTypes']]?: FeatureStatus }
}

/** The paths on which a timeline is run. */
export const timelinePaths = ['oracle', 'training set', 'online store', 'stream'] as const
export type TimelinePath = (typeof timelinePaths)[number]

/** What a path gives for an expectation: values by feature, their statuses where it tells them, or why it gives none. */
export type PathAnswer =
  | { readonly values: Readonly<Record<string, unknown>>; readonly status: Readonly<Record<string, FeatureStatus>> | null }
  | { readonly error: string }

export interface TimelineDifference {
  /** The place of the expectation, from 0. */
  readonly place: number
  readonly at: string
  readonly keys: Readonly<Record<string, unknown>>
  readonly feature: string
  /** `value` or `status`. */
  readonly of: 'value' | 'status'
  /** What was expected; where nothing was, what the oracle says. */
  readonly expected: unknown
  readonly stated: boolean
  /** What each path gives; those that do not tell are left out. */
  readonly found: Readonly<Partial<Record<TimelinePath, unknown>>>
}

export interface TimelineCheck {
  /** Values and statuses that were compared. */
  readonly compared: number
  readonly differences: readonly TimelineDifference[]
}
