/**
 * What a value is worth, the same in every store. PRESENT: a value. NULL: the key is known, the value is null.
 * NOT_FOUND: nothing is known of the key at that moment; the value is that of an empty history. STALE: all that is known
 * is older than the ttl; the value is as if nothing were.
 */
export type FeatureStatus = 'PRESENT' | 'NULL' | 'NOT_FOUND' | 'STALE'

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
