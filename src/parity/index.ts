export { checkParity, type ParityOptions, type ParityStores } from './parity.ts'
export type { LateEvent, ParityCounts, ParityDifference, ParityGroup, ParityPath, ParityReport, ParityValue } from './report.ts'
