import type { ExpressionNode } from './expression.ts'

/**
 * Which events count at a moment `q`, as data; lengths in microseconds. With `delay`, `q - delay` takes the place of q.
 * - lifetime: every event before q.
 * - sliding: `q - length <= time < q`; with `resolution` above 0 the left edge is moved back to a multiple of it.
 * - tumbling: buckets aligned to the epoch; `current` is `[start of q's bucket, q)`, `last` the complete bucket before it.
 * - session: the events since the last pause longer than `gap`, none where the last event is more than `gap` before q.
 * - since: the events after the last one, in event order, that matches the condition; every event where none does.
 */
export type WindowData = WindowShape & { readonly delay: number }
export type WindowShape =
  | { readonly kind: 'lifetime' }
  | { readonly kind: 'sliding'; readonly length: number; readonly resolution: number }
  | { readonly kind: 'tumbling'; readonly length: number; readonly part: 'current' | 'last' }
  | { readonly kind: 'session'; readonly gap: number }
  | { readonly kind: 'since'; readonly condition: ExpressionNode }
