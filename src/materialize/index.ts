export { type BackfillOptions, type BackfillResult, backfillGroup, tickColumn } from './backfill.ts'
export { type MaterializeOptions, type MaterializeResult, materializeGroup } from './materialize.ts'
