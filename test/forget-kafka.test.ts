import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startKafka } from '../scripts/kafka.ts'
import { kafkaEventLog } from '../src/eventlog/drivers/kafka.ts'
import { topicRecords } from '../src/eventlog/index.ts'
import { bystander, click, formsOf, storeWithSubjects, subject, tracesIn } from './support/forgetting.ts'

const kafka = await startKafka()
after(() => ('skipped' in kafka ? undefined : kafka.stop()))

test('what Kafka keeps of a subject is counted, brought back by nobody, and removed with what is before it where that is asked for', {
  skip: 'skipped' in kafka && kafka.skipped,
}, async () => {
  assert.ok(!('skipped' in kafka))
  const log = kafkaEventLog({ brokers: [kafka.bootstrap] })
  await using own = await storeWithSubjects({ log: { kafka: [kafka.bootstrap] } })
  const { store, read, folder, worker, definitions } = own
  /** How many records of each topic hold a word, whoever made the topic. */
  const about = async (word: string) => {
    const found: Record<string, number> = {}
    for (const topic of await log.topics()) {
      for await (const { key, value } of topicRecords(log, topic)) {
        const isAbout = formsOf(word).some((form) => [key, value].some((part) => part !== null && Buffer.from(part).includes(form)))
        if (isAbout) found[topic] = (found[topic] ?? 0) + 1
      }
    }
    return found
  }
  const topics = ['clicks', 'clicks.by.item-who', 'clicks.by.who']
  const told = ({ places }: Awaited<ReturnType<typeof store.forget>>) =>
    places.flatMap(({ place, name, before, after: left }) => (place === 'log' ? [[name, before, left]] : [])).sort()
  const rewriting = { rewriteSources: true, rewriteTrainingSets: true }
  try {
    assert.deepEqual(await about(subject), Object.fromEntries(topics.map((name) => [name, 6])))
    const others = await read(bystander)

    // An event that no worker has landed yet would come back with it.
    await store.push('clicks', [click(290, subject, 11)])
    await worker.caughtUp()
    const early = await store.forget('user', { user_id: subject }, { dryRun: true })
    const note = early.places.find(({ place, name }) => place === 'log' && name === 'clicks')?.note ?? ''
    assert.match(note, /stay until the retention of the topic lets go.*--truncate-log.* 1 of them no worker has stored yet/)
    await worker.flush()

    const report = await store.forget('user', { user_id: subject }, rewriting)
    assert.deepEqual(
      told(report),
      topics.map((name) => [name, 7, 7]),
    )
    assert.equal(report.complete, false)
    assert.deepEqual(
      report.places.filter(({ place, after: left }) => place !== 'log' && left !== 0),
      [],
    )
    assert.deepEqual(await tracesIn(folder, subject), [])
    assert.equal((await read(subject)).user_click_count_1d, 0)
    assert.deepEqual(await read(bystander), others)
    assert.deepEqual(await about(subject), Object.fromEntries(topics.map((name) => [name, 7])))

    const truncated = await store.forget('user', { user_id: subject }, { truncateLog: true })
    assert.deepEqual(
      told(truncated),
      topics.map((name) => [name, 7, 0]),
    )
    assert.equal(truncated.complete, true)
    assert.deepEqual(await about(subject), {})
    assert.deepEqual((await store.forget('user', { user_id: subject }, rewriting)).places, [])

    // Whoever comes later is read, and what is built again from history knows the others and not the subject.
    await store.push('clicks', [click(300, 'user-9', 11)])
    await worker.caughtUp()
    assert.equal((await read('user-9')).user_click_count_1d, 1)
    await worker.close()
    await store.replay([definitions.live])
    assert.deepEqual(await read(bystander), others)
    assert.equal((await read(subject)).user_click_count_1d, 0)
    assert.deepEqual(await tracesIn(folder, subject), [])
  } finally {
    await log.close()
  }
})
