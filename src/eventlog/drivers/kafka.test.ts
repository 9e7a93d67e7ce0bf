import { after, test } from 'node:test'
import { startKafka } from '../../../scripts/kafka.ts'
import { eventLogSuite } from '../../testing/index.ts'
import { kafkaEventLog } from './kafka.ts'

const kafka = await startKafka({ settings: { 'message.max.bytes': 8 * 1024 * 1024 } })

if ('skipped' in kafka) test('kafka as an event log', { skip: kafka.skipped }, () => undefined)
else {
  after(() => kafka.stop())
  const options = { brokers: [kafka.bootstrap] }
  eventLogSuite('kafka', () =>
    Promise.resolve({
      log: kafkaEventLog(options),
      reopen: () => Promise.resolve(kafkaEventLog(options)),
      elsewhere: { module: import.meta.resolve('./kafka.ts'), factory: 'kafkaEventLog', options },
      cleanup: () => Promise.resolve(),
    }),
  )
}
