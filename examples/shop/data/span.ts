/** Milliseconds of the clock of the shop. */
export const second = 1_000
export const minute = 60 * second
export const hour = 60 * minute
export const day = 24 * hour

/** When the shop's events happen, in milliseconds since the epoch: `from <= at < to`. */
export interface Span {
  readonly from: number
  readonly to: number
}
