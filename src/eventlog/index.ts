export { type DeadLetter, deadLetter } from './dead-letter.ts'
export { isErased } from './erased.ts'
export type { KafkaEventLogOptions, KafkaSasl } from './kafka-options.ts'
export type {
  ConsumeOptions,
  Consumer,
  ErasedRecords,
  EventLog,
  EventLogCapabilities,
  LogRecord,
  NewRecord,
  PartitionOffsets,
  RecordHeader,
  RecordPosition,
} from './log.ts'
export { partitionOfKey } from './partition.ts'
export { type Fields, type PayloadDecoder, type PayloadEncoder, type PayloadFormat, payloadDecoder, payloadEncoder } from './payload.ts'
export { prefixedLog } from './prefixed-log.ts'
export { topicRecords } from './topic-records.ts'
