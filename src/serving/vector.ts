/**
 * What a value is worth, the same in every store. PRESENT: a value. NULL: the key is known, the value is null.
 * NOT_FOUND: nothing is known of the key at that moment; the value is that of an empty history. STALE: all that is known
 * is older than the ttl; the value is as if nothing were. Or it is older than the read allows; the value is null.
 * TIME_OUT: it could not be had in the time that the read allows. FAILED: the on-demand code threw. DEFAULTED: it would be null,
 * and is what the view declares instead.
 */
export const featureStatuses = ['PRESENT', 'NULL', 'NOT_FOUND', 'STALE', 'TIME_OUT', 'FAILED', 'DEFAULTED'] as const
export type FeatureStatus = (typeof featureStatuses)[number]

export interface FeatureState {
  readonly status: FeatureStatus
  /** When what the value was last computed from happened (ISO 8601): the newest visible event of the key, or the row of the table. */
  readonly eventTime: string | null
}

/** The values of a view's features for one entity row, as of one moment. */
export interface Vector<Values = Readonly<Record<string, unknown>>> {
  readonly values: Values
  readonly features: { readonly [Name in keyof Values]: FeatureState }
  /** ISO 8601. */
  readonly asOf: string
}
