export { type DeadLetter, deadLetter } from './dead-letter.ts'
export type {
  ConsumeOptions,
  Consumer,
  EventLog,
  EventLogCapabilities,
  LogRecord,
  NewRecord,
  PartitionOffsets,
  RecordHeader,
  RecordPosition,
} from './log.ts'
export { partitionOfKey } from './partition.ts'
