export type { ParityOptions } from './options.ts'
export { checkParity, type ParityStores } from './parity.ts'
export type { LateEvent, ParityCounts, ParityDifference, ParityGroup, ParityPath, ParityReport, ParityValue } from './report.ts'
export { restagedView } from './restaged-view.ts'
export { checkServedParity, type ServedParityOptions } from './served-parity.ts'
export {
  type MissedEvent,
  type ServedDifference,
  type ServedParityReport,
  type ServedReason,
  servedReasons,
} from './served-report.ts'
