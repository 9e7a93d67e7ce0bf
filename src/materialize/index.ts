export { type MaterializeOptions, type MaterializeResult, materializeGroup } from './materialize.ts'
