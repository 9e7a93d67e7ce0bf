import assert from 'node:assert/strict'
import type { LogRecord, NewRecord } from '../eventlog/index.ts'
import { seededRandom } from '../lib/seeded-random.ts'
import { bytes, type Case, reader, readSome, text } from './event-log-records.ts'

/** A run of random calls; `LOCKSTEP_SEED` repeats one. */
export const randomCase: Record<string, Case> = {
  'random calls give what plain lists give': async ({ log, topic, another }) => {
    const seed = Number(process.env.LOCKSTEP_SEED ?? Math.floor(Math.random() * 2 ** 32))
    const random = seededRandom(seed)
    const partitions = 1 + random(3)
    await log.createTopic(topic, partitions)
    const model: NewRecord[][] = Array.from({ length: partitions }, () => [])
    const logs = log.capabilities.sharedByProcesses ? [log, await another()] : [log]
    for (let step = 0; step < 60; step++) {
      const told = `LOCKSTEP_SEED=${seed}, step ${step}`
      const one = logs[random(logs.length)] ?? log
      if (random(4) > 0) {
        const calls = Array.from({ length: 1 + random(3) }, () => Array.from({ length: random(30) }, () => randomRecord(random)))
        const appended = await Promise.all(calls.map((records) => one.append(topic, records)))
        for (const [at, records] of calls.entries()) {
          for (const [index, record] of records.entries()) {
            const { partition = -1, offset = -1 } = appended[at]?.[index] ?? {}
            const list = model[partition] ?? []
            assert.equal(offset, list.length, told)
            list.push(record)
          }
        }
      } else {
        const from = Object.fromEntries(model.map((list, partition) => [partition, random(list.length + 1)]))
        const expected = model.flatMap((list, partition) =>
          list.slice(from[partition]).map((record, at) => shown(record, partition, (from[partition] ?? 0) + at)),
        )
        const consumer = await reader(one, topic, { group: `readers ${random(2)}`, from })
        const read = await readSome(consumer, expected.length, 1 + random(200))
        await consumer.close()
        const inOrder = read.toSorted((a, b) => a.partition - b.partition)
        assert.deepEqual(
          inOrder.map((record: LogRecord) => shown(record, record.partition, record.offset)),
          expected,
          told,
        )
      }
    }
  },
}

function randomRecord(random: (below: number) => number): NewRecord {
  const some = () => (random(5) === 0 ? null : bytes('xyz'.repeat(random(3) === 0 ? random(2000) : random(10))))
  const headers = Array.from({ length: random(3) }, (_, at) => ({ name: `h${at}`, value: bytes(`${random(100)}`) }))
  return { key: random(4) === 0 ? null : bytes(`key ${random(20)}`), value: some(), ...(random(2) === 0 ? { headers } : {}) }
}

const shown = ({ key, value, headers = [] }: NewRecord, partition: number, offset: number): string =>
  JSON.stringify([partition, offset, text(key), text(value), headers.map(({ name, value }) => [name, text(value)])])
