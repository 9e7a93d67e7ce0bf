export type { ParityOptions } from './options.ts'
export { checkParity, type ParityStores } from './parity.ts'
export type { LateEvent, ParityCounts, ParityDifference, ParityGroup, ParityPath, ParityReport, ParityValue } from './report.ts'
export { restagedView } from './restaged-view.ts'
