export { type CheckOptions, checkTrainingSet, type Difference, type TrainingSetCheck } from './check-training-set.ts'
export type { OnlineStoreUnderTest } from './online-store-rows.ts'
export { onlineStoreSuite } from './online-store-suite.ts'
export { type OracleAnswer, type OracleOptions, type OracleRow, type OracleStatus, oracleValues } from './oracle.ts'
