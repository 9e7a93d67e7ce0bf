import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { Admin, Consumer, Producer } from '@platformatic/kafka'
import { type Kafka, startKafka } from '../../../../scripts/kafka.ts'
import type { ConsumeOptions, EventLog, LogRecord } from '../../log.ts'
import { kafkaEventLog } from '../kafka.ts'

const bytes = (text: string) => Buffer.from(text)
const text = (value: Uint8Array | null | undefined) => (value === null || value === undefined ? null : Buffer.from(value).toString())
const fresh = () => `t-${crypto.randomUUID()}`
const fromStart = (options: Partial<ConsumeOptions> = {}): ConsumeOptions => ({
  group: 'g',
  assigned: (partitions) => Promise.resolve(new Map(partitions.map((partition) => [partition, 0]))),
  revoked: () => Promise.resolve(),
  ...options,
})

async function readAll(log: EventLog, topic: string, count: number): Promise<LogRecord[]> {
  const consumer = await log.consume(topic, fromStart({ group: crypto.randomUUID() }))
  const records: LogRecord[] = []
  for (const late = Date.now() + 30_000; records.length < count && Date.now() < late; ) records.push(...(await consumer.read(1000, 200)))
  // Nothing more is there.
  records.push(...(await consumer.read(1000, 300)))
  await consumer.close()
  return records
}

/** A test with a log of its own. */
const withLog = (options: { timeout?: number }, brokers: string[], run: (log: EventLog, topic: string) => Promise<void>) => async () => {
  const log = kafkaEventLog({ brokers, ...options })
  try {
    await run(log, fresh())
  } finally {
    await log.close()
  }
}

function cases({ bootstrap, secure, restart }: Kafka): void {
  const brokers = [bootstrap]
  const client = { clientId: 'test', bootstrapBrokers: brokers }

  void test(
    'what other producers write is read: compressed, in transactions, with moments of their own',
    withLog({}, brokers, async (log, topic) => {
      const admin = new Admin(client)
      await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 })
      await admin.close()
      const message = (value: string, timestamp?: bigint) => ({ topic, partition: 0, value: bytes(value), timestamp })
      const plain = new Producer(client)
      for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
        await plain.send({ messages: [message(`${compression} 1`, 2_000n), message(`${compression} 2`, 1_000n)] as never, compression })
      }
      await plain.close()
      const producer = new Producer({ ...client, idempotent: true })
      for (const outcome of ['abort', 'commit'] as const) {
        const transaction = await producer.beginTransaction()
        await transaction.send({ messages: [message(`${outcome} 1`)] as never })
        await transaction.send({ messages: [message(`${outcome} 2`)] as never })
        await transaction[outcome]()
      }
      await producer.close()
      await log.append(topic, [{ key: null, value: bytes('the last') }])
      const records = await readAll(log, topic, 13)
      assert.deepEqual(
        records.map(({ value }) => text(value)),
        [...['none', 'gzip', 'snappy', 'lz4', 'zstd'].flatMap((name) => [`${name} 1`, `${name} 2`]), 'commit 1', 'commit 2', 'the last'],
      )
      assert.deepEqual(
        records.slice(0, 10).map(({ taken }) => taken),
        new Array(10).fill(2_000_000),
      )
    }),
  )

  void test(
    'reading goes on from the first record that is kept, and not beyond the end',
    withLog({}, brokers, async (log, topic) => {
      await log.createTopic(topic, 1)
      await log.append(
        topic,
        [0, 1, 2, 3].map((value) => ({ key: null, value: bytes(`${value}`) })),
      )
      const admin = new Admin(client)
      await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset: 3n }] }] })
      await admin.close()
      assert.deepEqual(await log.offsets(topic), [{ partition: 0, first: 3, next: 4 }])
      assert.deepEqual(
        (await readAll(log, topic, 1)).map(({ offset }) => offset),
        [3],
      )
      const beyond = await log.consume(topic, fromStart({ assigned: () => Promise.resolve(new Map([[0, 9]])) }))
      await assert.rejects(beyond.read(1, 20_000), { code: 'INVALID_ARGUMENT', message: /begins at offset 9, .* ends at 4/ })
      await beyond.close()
    }),
  )

  void test(
    'a batch that is too large is cut, a record that is too large is refused',
    withLog({}, brokers, async (log, topic) => {
      const admin = new Admin(client)
      const configs = [{ name: 'max.message.bytes', value: '20000' }]
      await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1, configs })
      await admin.close()
      const record = (size: number) => ({ key: null, value: new Uint8Array(size) })
      await log.append(topic, new Array(30).fill(record(5000)))
      await assert.rejects(log.append(topic, [record(30_000)]), { code: 'INVALID_ARGUMENT', message: /larger than the topic .* takes/ })
      await log.append(topic, [record(1)])
      assert.deepEqual(
        (await readAll(log, topic, 31)).map(({ value }) => value?.length),
        [...new Array(30).fill(5000), 1],
      )
    }),
  )

  void test(
    'a reader that joins finds the partitions that a topic has got',
    withLog({}, brokers, async (log, topic) => {
      await log.createTopic(topic, 1)
      const first = await log.consume(topic, fromStart())
      const admin = new Admin(client)
      await admin.createPartitions({ topics: [{ name: topic, count: 3, assignments: null }] } as never)
      await admin.close()
      // As another process: it does not remember the one partition.
      const other = kafkaEventLog({ brokers })
      const second = await other.consume(topic, fromStart())
      for (const late = Date.now() + 20_000; Date.now() < late && first.assignment.length + second.assignment.length < 3; ) {
        await setTimeout(20)
      }
      assert.deepEqual([...first.assignment, ...second.assignment].sort(), [0, 1, 2])
      await other.close()
    }),
  )

  void test(
    'a partition is kept by who has it until it has let go, however often it is dealt anew meanwhile',
    withLog({}, brokers, async (log, topic) => {
      await log.createTopic(topic, 6)
      const owners = new Map<number, string>()
      let dealings = 0
      const join = (name: string, slow: number) =>
        log.consume(
          topic,
          fromStart({
            assigned: (partitions) => {
              dealings++
              for (const partition of partitions) {
                assert.equal(owners.get(partition), undefined, `${name} is given what another has`)
                owners.set(partition, name)
              }
              return Promise.resolve(new Map())
            },
            revoked: async (partitions) => {
              await setTimeout(slow)
              for (const partition of partitions) owners.delete(partition)
            },
          }),
        )
      const first = await join('first', 2500)
      while (first.assignment.length < 6) await setTimeout(10)
      const others = [await join('second', 0)]
      await setTimeout(800)
      others.push(await join('third', 0))
      const shares = () => [first, ...others].map(({ assignment }) => assignment.length)
      for (const late = Date.now() + 20_000; Date.now() < late && shares().join() !== '2,2,2'; ) {
        for (const reader of [first, ...others]) await reader.read(1, 10)
      }
      assert.deepEqual(shares(), [2, 2, 2])
      assert.equal(owners.size, 6)
      assert.ok(dealings >= 3)
    }),
  )

  void test(
    'what a reader reports is the position of its group, for the tools of Kafka',
    withLog({}, brokers, async (log, topic) => {
      await log.createTopic(topic, 2)
      const consumer = await log.consume(topic, fromStart({ group: 'shop' }))
      await consumer.report(
        new Map([
          [0, 17],
          [1, 4],
        ]),
      )
      const tool = new Consumer({ ...client, groupId: `shop.${topic}` })
      const committed = await tool.listCommittedOffsets({ topics: [{ topic, partitions: [0, 1] }] })
      assert.deepEqual(committed.get(topic), [17n, 4n])
      await tool.close()
    }),
  )

  void test(
    'a broker that dies and comes back: nothing is lost, nothing is there twice, readers go on',
    { timeout: 120_000 },
    withLog({}, brokers, async (log, topic) => {
      await log.createTopic(topic, 3)
      const consumer = await log.consume(topic, fromStart({ sessionTimeout: 5000 }))
      // Who was away for too long begins again, as it is told: some records come twice.
      const read = new Set<string>()
      let writing = true
      const appending = (async () => {
        let next = 0
        for (; writing; next += 50) {
          const batch = Array.from({ length: 50 }, (_, at) => ({ key: bytes(`${at % 7}`), value: bytes(`${next + at}`) }))
          await log.append(topic, batch)
        }
        return next
      })()
      const reading = (async () => {
        for (const late = Date.now() + 90_000; writing || read.size < (await appending); ) {
          assert.ok(Date.now() < late, `${read.size} were read`)
          for (const { value } of await consumer.read(500, 200)) read.add(text(value) ?? '')
        }
      })()
      await setTimeout(300)
      await restart()
      await setTimeout(300)
      writing = false
      const count = await appending
      await reading
      assert.ok(count > 100)
      assert.equal(read.size, count)
      const all = await readAll(log, topic, count)
      assert.equal(all.length, count)
      for (const own of Map.groupBy(all, ({ key }) => text(key)).values()) {
        const numbers = own.map(({ value }) => Number(text(value)))
        assert.deepEqual(
          numbers,
          numbers.toSorted((a, b) => a - b),
        )
      }
    }),
  )

  void test(
    'an outage is told in time, and ends',
    { timeout: 120_000 },
    withLog({ timeout: 2000 }, brokers, async (log, topic) => {
      await log.createTopic(topic, 1)
      const consumer = await log.consume(topic, fromStart({ sessionTimeout: 3000 }))
      const away = { code: 'EVENT_LOG_UNAVAILABLE' }
      await restart(async () => {
        const started = performance.now()
        await assert.rejects(log.append(topic, [{ key: null, value: bytes('lost') }]), away)
        await assert.rejects(log.offsets(topic), away)
        assert.ok(performance.now() - started < 10_000)
        await assert.rejects(async () => {
          for (;;) await consumer.read(1, 500)
        }, away)
      })
      await log.append(topic, [{ key: null, value: bytes('after') }])
      const values: (string | null)[] = []
      for (const late = Date.now() + 30_000; Date.now() < late && !values.includes('after'); ) {
        const records = await consumer.read(10, 0).catch(() => [])
        values.push(...records.map(({ value }) => text(value)))
      }
      assert.equal(values.at(-1), 'after')
    }),
  )

  void test('encrypted connections of a user', async () => {
    assert.ok(secure)
    const { username, password, certificate } = secure
    const at = { brokers: [secure.bootstrap], timeout: 5000 }
    const append = async (options: Partial<Parameters<typeof kafkaEventLog>[0]>) => {
      const log = kafkaEventLog({ ...at, ...options })
      try {
        const topic = fresh()
        await log.createTopic(topic, 1)
        await log.append(topic, [{ key: null, value: bytes('v') }])
        assert.equal((await readAll(log, topic, 1)).length, 1)
      } finally {
        await log.close()
      }
    }
    const tls = { ca: certificate }
    await append({ tls, sasl: { mechanism: 'PLAIN', username, password } })
    await append({ tls, sasl: { mechanism: 'SCRAM-SHA-256', username, password } })
    const refusal = (message: RegExp) => ({ code: 'EVENT_LOG_UNAVAILABLE', message })
    for (const mechanism of ['PLAIN', 'SCRAM-SHA-256'] as const) {
      await assert.rejects(append({ tls, sasl: { mechanism, username, password: 'another' } }), refusal(/authentication failed/))
    }
    await assert.rejects(append({ tls: {}, sasl: { mechanism: 'PLAIN', username, password } }), refusal(/self-signed/))
    await assert.rejects(append({}), refusal(/requires TLS/))
  })

  void test('what cannot be is refused', async () => {
    const refusal = { code: 'INVALID_ARGUMENT' }
    for (const broker of ['', 'a b:x', 'host:123456', 'host:port'])
      assert.throws(() => kafkaEventLog({ brokers: [broker] }), refusal, broker)
    assert.throws(() => kafkaEventLog({ brokers: [] }), refusal)
    assert.throws(() => kafkaEventLog({ brokers, timeout: 0 }), refusal)
    const log = kafkaEventLog({ brokers, timeout: 2000 })
    const topic = fresh()
    await log.createTopic(topic, 1)
    await assert.rejects(log.consume(topic, fromStart({ sessionTimeout: 100 })), {
      ...refusal,
      message: /refuse a session timeout of 100 ms/,
    })
    await log.close()
    const nowhere = kafkaEventLog({ brokers: ['127.0.0.1:1'], timeout: 300 })
    await assert.rejects(nowhere.partitions('t'), { code: 'EVENT_LOG_UNAVAILABLE', message: /ECONNREFUSED.*\(127\.0\.0\.1:1\)/ })
    await nowhere.close()
  })
}

const kafka = await startKafka({ secure: true })

if ('skipped' in kafka) test('kafka with a real broker', { skip: kafka.skipped }, () => undefined)
else {
  after(() => kafka.stop())
  void suite('kafka with a real broker', () => cases(kafka))
}
