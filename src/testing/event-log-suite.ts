import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { deadLetter, type EventLog, type NewRecord } from '../eventlog/index.ts'
import { groupCases } from './event-log-groups.ts'
import { processCases } from './event-log-processes.ts'
import { randomCase } from './event-log-random.ts'
import {
  bytes,
  type Case,
  type EventLogSuiteOptions,
  type EventLogUnderTest,
  reader,
  readSome,
  readTopic,
  record,
  type Setting,
  text,
} from './event-log-records.ts'

/**
 * The tests that every event log passes, registered with `node:test`. `open` is called once for each test. What a log does not claim
 * in its `capabilities` is not asked of it.
 */
export function eventLogSuite(name: string, open: () => Promise<EventLogUnderTest>, options: EventLogSuiteOptions = {}): void {
  void suite(`${name} as an event log`, () => {
    for (const [title, run] of Object.entries({ ...cases, ...groupCases, ...randomCase, ...processCases })) {
      void test(title, { timeout: 120_000 }, async (context) => {
        const under = await open()
        const others: EventLog[] = []
        const another = async () => {
          assert.ok(under.reopen, 'a log that is durable or shared by processes is tested with `reopen`')
          const log = await under.reopen()
          others.push(log)
          return log
        }
        const setting: Setting = { sessionTimeout: 1000, ...options, under, log: under.log, topic: `t-${crypto.randomUUID()}`, another }
        try {
          await run(setting, context)
        } finally {
          for (const log of [under.log, ...others]) await log.close()
          await under.cleanup()
        }
      })
    }
  })
}

const cases: Record<string, Case> = {
  'records come back as they were': async ({ log, topic }) => {
    await log.createTopic(topic, 2)
    const everyByte = Uint8Array.from({ length: 256 }, (_, at) => at)
    const header = (name: string, value: Uint8Array) => ({ name, value })
    const records: NewRecord[] = [
      { key: bytes('k'), value: bytes('v') },
      { key: null, value: null },
      { key: new Uint8Array(), value: new Uint8Array() },
      { key: everyByte, value: everyByte, headers: [] },
      { key: null, value: bytes('né 🙂'), headers: [header('a', bytes('1')), header('a', bytes('2')), header('né 🙂', new Uint8Array())] },
      { key: bytes('k'.repeat(300)), value: new Uint8Array(70_000).fill(7), headers: [header('h'.repeat(300), everyByte)] },
    ]
    const before = Date.now() * 1000
    const positions = await log.append(
      topic,
      records.map((each) => ({ ...each, partition: 1 })),
    )
    assert.deepEqual(
      positions,
      records.map((_, offset) => ({ partition: 1, offset })),
    )
    const read = (await readTopic(log, topic)).get(1) ?? []
    for (const [at, { key, value, headers = [] }] of records.entries()) {
      const { taken = 0, ...rest } = read[at] ?? {}
      assert.deepEqual(plain(rest), plain({ partition: 1, offset: at, key, value, headers }))
      assert.ok(Number.isSafeInteger(taken) && Math.abs(taken - before) < 60_000_000, `taken at ${taken}`)
      assert.ok(taken >= (read[at - 1]?.taken ?? 0), 'taken does not go back')
    }
  },

  'records of a key keep their order, in one partition': async ({ log, topic }) => {
    await log.createTopic(topic, 4)
    const keys = Array.from({ length: 40 }, (_, at) => `key ${at}`)
    // Not one is waited for before the next: calls keep their order too.
    const appends = Array.from({ length: 50 }, (_, step) =>
      log.append(
        topic,
        keys.map((key) => record(key, `${step}`)),
      ),
    )
    const positions = (await Promise.all(appends)).flat()
    const partitions = keys.map(
      (_, at) => new Set(positions.filter((_, index) => index % keys.length === at).map(({ partition }) => partition)),
    )
    for (const each of partitions) assert.equal(each.size, 1)
    assert.equal(new Set(partitions.flatMap((each) => [...each])).size, 4, 'keys are spread over all partitions')
    const records = [...(await readTopic(log, topic)).values()].flat()
    for (const [key, own] of Map.groupBy(records, (each) => text(each.key)))
      assert.deepEqual(
        own.map(({ value }) => Number(text(value))),
        Array.from({ length: 50 }, (_, step) => step),
        `${key} in order`,
      )
    const lies = new Map(records.map(({ partition, offset, key, value }) => [`${partition}/${offset}`, `${text(key)} ${text(value)}`]))
    for (const [at, { partition, offset }] of positions.entries())
      assert.equal(lies.get(`${partition}/${offset}`), `${keys[at % 40]} ${Math.floor(at / 40)}`)
  },

  'the partition of a key is that of any log, a partition that is named is kept': async ({ log, topic }) => {
    await log.createTopic(topic, 10)
    // As the producers of Apache Kafka choose them.
    const known: [string, number][] = [
      ['21', 0],
      ['foobar', 6],
      ['a-little-bit-long-string', 2],
      ['a-little-bit-longer-string', 9],
      ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', 7],
      ['abc', 7],
    ]
    const positions = await log.append(topic, [...known.map(([key]) => record(key, '')), record('21', '', 5), record(null, '', 3)])
    assert.deepEqual(
      positions.map(({ partition }) => partition),
      [...known.map(([, partition]) => partition), 5, 3],
    )
  },

  'records without a key are spread': async ({ log, topic }) => {
    await log.createTopic(topic, 3)
    const used = new Set<number>()
    for (let call = 0; call < 60; call++) for (const { partition } of await log.append(topic, [record(null, 'v')])) used.add(partition)
    for (const { partition } of await log.append(topic, new Array(20_000).fill(record(null, 'v')))) used.add(partition)
    assert.deepEqual([...used].sort(), [0, 1, 2])
  },

  'topics are made once': async ({ log, topic }) => {
    assert.equal(await log.partitions(topic), null)
    await log.createTopic(topic, 3)
    await log.createTopic(topic, 3)
    assert.equal(await log.partitions(topic), 3)
    assert.deepEqual(
      await log.offsets(topic),
      [0, 1, 2].map((partition) => ({ partition, first: 0, next: 0 })),
    )
    const refusal = { code: 'INVALID_ARGUMENT' }
    await assert.rejects(log.createTopic(topic, 4), refusal)
    for (const partitions of [0, -1, 1.5, Number.NaN]) await assert.rejects(log.createTopic(`${topic}-2`, partitions), refusal)
    const other = `${topic}-other`
    await Promise.all([log.createTopic(other, 2), log.createTopic(other, 2)])
    assert.equal(await log.partitions(other), 2)
    assert.deepEqual(
      (await log.topics()).filter((name) => name.startsWith(topic)),
      [topic, other],
    )
  },

  'records before an offset are removed, where the log can': async ({ log, topic }) => {
    if (!log.truncate) return
    await log.createTopic(topic, 2)
    for (const partition of [0, 1])
      await log.append(
        topic,
        [1, 2, 3].map((number) => record('k', `${number}`, partition)),
      )
    await log.truncate(topic, new Map([[1, 2]]))
    const ends = (await log.offsets(topic)).map(({ first, next }) => [first, next])
    assert.deepEqual(ends, [
      [0, 3],
      [2, 3],
    ])
    const left = await readTopic(log, topic)
    assert.deepEqual(
      [0, 1].map((partition) => left.get(partition)?.map(({ value }) => text(value))),
      [['1', '2', '3'], ['3']],
    )
  },

  'what makes no sense is refused, and nothing of it is appended': async ({ log, topic }) => {
    const refusal = { code: 'INVALID_ARGUMENT' }
    await assert.rejects(log.append(topic, [record('k', 'v')]), refusal)
    await assert.rejects(log.offsets(topic), refusal)
    await assert.rejects(reader(log, topic), refusal)
    assert.equal(await log.partitions(topic), null, 'nobody made the topic')
    await log.createTopic(topic, 2)
    for (const partition of [2, -1, 0.5]) await assert.rejects(log.append(topic, [record('k', 'v'), record('k', 'v', partition)]), refusal)
    assert.deepEqual(await log.append(topic, []), [])
    assert.deepEqual(
      (await log.offsets(topic)).map(({ next }) => next),
      [0, 0],
    )
    for (const name of ['', '.', '..', 'a/b', 'a b', 'é', 'a\0', 'x'.repeat(250)]) {
      await assert.rejects(log.createTopic(name, 1), refusal, name)
      await assert.rejects(log.append(name, [record('k', 'v')]), refusal, name)
    }
  },

  'a reader goes on from the offset that it is given': async ({ log, topic }) => {
    await log.createTopic(topic, 2)
    const numbers = Array.from({ length: 3000 }, (_, at) => at)
    // In several calls, so that they lie in several batches.
    for (let at = 0; at < 3000; at += 500)
      await log.append(
        topic,
        numbers.slice(at, at + 500).map((number) => record('k', `${number}`, number % 2)),
      )
    for (const [from0, from1] of [
      [0, 0],
      [1, 1499],
      [749, 750],
      [1500, 1],
    ] as const) {
      const consumer = await reader(log, topic, { from: { 0: from0, 1: from1 } })
      const records = await readSome(consumer, 3000 - from0 - from1)
      const byPartition = Map.groupBy(records, ({ partition }) => partition)
      for (const [partition, from] of [from0, from1].entries())
        assert.deepEqual(
          (byPartition.get(partition) ?? []).map(({ offset, value }) => [offset, Number(text(value))]),
          Array.from({ length: 1500 - from }, (_, at) => [from + at, (from + at) * 2 + partition]),
        )
      await consumer.close()
    }
  },

  'a read gives at most so many records, and waits for the first': async ({ log, topic }) => {
    await log.createTopic(topic, 3)
    const consumer = await reader(log, topic)
    assert.deepEqual(await consumer.read(10, 100), [])
    await log.append(
      topic,
      Array.from({ length: 25 }, (_, at) => record('k', `${at}`, at % 3)),
    )
    const sizes: number[] = []
    for (let seen = 0; seen < 25; ) {
      const some = await consumer.read(4, 5000)
      assert.ok(some.length >= 1 && some.length <= 4)
      sizes.push(some.length)
      seen += some.length
    }
    assert.deepEqual(await consumer.read(10, 0), [])
    const waiting = consumer.read(10, 30_000)
    await setTimeout(50)
    const before = performance.now()
    await log.append(topic, [record('k', 'wakes it')])
    assert.deepEqual(
      (await waiting).map(({ value }) => text(value)),
      ['wakes it'],
    )
    assert.ok(performance.now() - before < 5000, 'a read resolves as soon as there is a record')
  },

  'records are taken and given as copies': async ({ log, topic }) => {
    await log.createTopic(topic, 1)
    const given = { key: bytes('key'), value: bytes('value'), headers: [{ name: 'h', value: bytes('header') }] }
    const appending = log.append(topic, [given])
    await appending
    for (const part of [given.key, given.value, given.headers[0]?.value]) part?.fill(0)
    const first = (await readTopic(log, topic)).get(0)?.[0]
    assert.deepEqual(
      [text(first?.key ?? null), text(first?.value ?? null), text(first?.headers[0]?.value ?? null)],
      ['key', 'value', 'header'],
    )
    for (const part of [first?.key, first?.value]) part?.fill(0)
    assert.equal(text((await readTopic(log, topic)).get(0)?.[0]?.value ?? null), 'value')
  },

  'large records and large calls': async ({ log, topic }) => {
    await log.createTopic(topic, 2)
    const large = Array.from({ length: 6 }, (_, at) => Uint8Array.from({ length: 1024 * 1024 }, (_, index) => (index * 31 + at) % 256))
    await log.append(
      topic,
      large.map((value) => ({ key: bytes('large'), value, partition: 0 })),
    )
    const many = Array.from({ length: 50_000 }, (_, at) => record(`key ${at % 100}`, `${at}`, 1))
    const positions = await log.append(topic, many)
    assert.deepEqual(positions.at(-1), { partition: 1, offset: 49_999 })
    const read = await readTopic(log, topic)
    for (const [at, value] of large.entries()) assert.ok(Buffer.compare(value, read.get(0)?.[at]?.value ?? bytes('')) === 0, `record ${at}`)
    assert.deepEqual(
      read.get(1)?.map(({ value }) => Number(text(value))),
      many.map((_, at) => at),
    )
  },

  'a record that is no event is set aside with the reason': async ({ log, topic }) => {
    await log.createTopic(topic, 2)
    await log.append(topic, [{ ...record('k', 'poison', 1), headers: [{ name: 'h', value: bytes('1') }] }])
    const [poison] = (await readTopic(log, topic)).get(1) ?? []
    assert.ok(poison)
    await Promise.all([deadLetter(log, poison, { topic, reason: 'no JSON' }), deadLetter(log, poison, { topic, reason: 'né' })])
    const dead = [...(await readTopic(log, `${topic}.dead`)).values()].flat()
    const shown = dead.map(({ key, value, headers }) => [
      text(key),
      text(value),
      ...headers.map(({ name, value }) => `${name}=${text(value)}`),
    ])
    assert.deepEqual(
      shown.sort(),
      ['no JSON', 'né'].map((reason) => ['k', 'poison', 'h=1', `lockstep-reason=${reason}`, `lockstep-origin=${topic}/1/0`]),
    )
  },

  'records outlive the log that took them': async ({ log, topic, another }, context) => {
    if (!log.capabilities.durable) return context.skip('not durable')
    await log.createTopic(topic, 2)
    await log.append(topic, [record('a', '1', 0), record('b', '2', 1), record('c', '3', 1)])
    const late = log.append(topic, [record('d', '4', 1)])
    await log.close()
    await late
    const again = await another()
    assert.equal(await again.partitions(topic), 2)
    assert.deepEqual(await again.offsets(topic), [
      { partition: 0, first: 0, next: 1 },
      { partition: 1, first: 0, next: 3 },
    ])
    assert.deepEqual(await again.append(topic, [record('e', '5', 1)]), [{ partition: 1, offset: 3 }])
    const read = await readTopic(again, topic)
    assert.deepEqual(
      [0, 1].map((partition) => read.get(partition)?.map(({ value }) => text(value))),
      [['1'], ['2', '3', '4', '5']],
    )
  },

  'a closed log refuses what it is asked, and its readers are told': async ({ log, topic }) => {
    await log.createTopic(topic, 2)
    const told: string[] = []
    const consumer = await log.consume(topic, {
      group: 'g',
      assigned: (partitions) => Promise.resolve(new Map(partitions.map((partition) => [partition, 0]))),
      revoked: (partitions) => {
        told.push(`revoked ${[...partitions].sort()}`)
        return Promise.resolve()
      },
    })
    await log.append(topic, [record('k', 'v')])
    await readSome(consumer, 1)
    assert.deepEqual(consumer.assignment, [0, 1])
    const waiting = consumer.read(10, 60_000)
    await Promise.all([log.close(), log.close()])
    assert.deepEqual([await waiting, told, consumer.assignment], [[], ['revoked 0,1'], []])
    await consumer.close()
    const refusal = { code: 'INVALID_ARGUMENT' }
    await assert.rejects(consumer.read(1, 0), refusal)
    await assert.rejects(consumer.report(new Map()), refusal)
    await assert.rejects(log.append(topic, [record('k', 'v')]), refusal)
    await assert.rejects(log.createTopic(topic, 2), refusal)
    await assert.rejects(log.partitions(topic), refusal)
    await assert.rejects(log.offsets(topic), refusal)
    await assert.rejects(reader(log, topic), refusal)
  },
}

/** With views made plain, so that only bytes count, whatever kind of view they are. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(plain)
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]))
}
