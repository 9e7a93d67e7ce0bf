import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { appendedRecord, type ProcessNews, type ProcessPlan } from './event-log-process.ts'
import { type Case, reader, readSome, readTopic, record, type Setting, text, until } from './event-log-records.ts'

const program = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './event-log-process.ts' : './event-log-process.js', import.meta.url),
)

/** Cases with processes of their own, for logs that are shared by them. */
export const processCases: Record<string, Case> = {
  'several processes append to one topic, and what they append is read at once': async (setting, context) => {
    const { log, topic } = setting
    if (!log.capabilities.sharedByProcesses) return context.skip('not shared by processes')
    await log.createTopic(topic, 2)
    const [batches, size] = [60, 50]
    const consumer = await reader(log, topic)
    const others = await Promise.all(['a', 'b'].map((writer) => start(setting, { kind: 'append', writer, batches, size })))
    for (let batch = 0; batch < batches; batch++) {
      await log.append(
        topic,
        Array.from({ length: size }, (_, at) => appendedRecord('c', batch * size + at)),
      )
    }
    const records = await readSome(consumer, 3 * batches * size)
    await Promise.all(others.map(({ ended }) => ended))
    for (const [key, own] of Map.groupBy(records, (each) => text(each.key))) {
      const numbers = own.map(({ value }) => Number(text(value)?.split(' ')[1]))
      assert.deepEqual(
        numbers,
        Array.from({ length: (batches * size) / 20 }, (_, at) => at * 20 + Number(key?.split(' ')[1])),
        `${key} in order, each once`,
      )
    }
    for (const own of Map.groupBy(records, ({ partition }) => partition).values())
      assert.deepEqual(
        own.map(({ offset }) => offset),
        own.map((_, at) => at),
      )
    const again = [...(await readTopic(log, topic)).values()].flat()
    assert.deepEqual(new Set(again.map(({ value }) => text(value))), new Set(records.map(({ value }) => text(value))))
  },

  'a process killed at any moment leaves whole records, all that were acknowledged, and a log that goes on': async (setting, context) => {
    const { log, topic, another } = setting
    const { durable, sharedByProcesses } = log.capabilities
    if (!durable || !sharedByProcesses) return context.skip('not durable and shared by processes')
    await log.createTopic(topic, 2)
    const size = 200
    for (let kill = 0; kill < 3; kill++) {
      const writer = `w${kill}`
      const other = await start(setting, { kind: 'append', writer, batches: 100_000, size })
      await until('it has appended', () => other.appended > 0)
      const moment = Math.random() * 60
      await setTimeout(moment)
      other.process.kill('SIGKILL')
      await other.ended
      await log.append(topic, [record('after', `${kill}`)])
      const now = kill % 2 === 0 ? log : await another()
      const all = [...(await readTopic(now, topic)).values()].flat()
      const own = all.filter(({ key }) => text(key)?.startsWith(`${writer} `))
      const numbers = new Set(own.map(({ value }) => Number(text(value)?.split(' ')[1])))
      assert.equal(numbers.size, own.length, 'each once')
      for (const { value } of own) assert.ok(text(value)?.endsWith('.'.repeat(100)), 'whole')
      for (let number = 0; number < other.appended * size; number++)
        assert.ok(numbers.has(number), `${number} is there, killed at ${moment} ms`)
      for (const [key, each] of Map.groupBy(own, ({ key }) => text(key))) {
        const order = each.map(({ value }) => Number(text(value)?.split(' ')[1]))
        assert.deepEqual(
          order,
          order.toSorted((a, b) => a - b),
          `${key} in order`,
        )
      }
      assert.equal(all.filter(({ key }) => text(key) === 'after').length, kill + 1)
    }
  },

  'the partitions of a reader that died are taken over': async (setting, context) => {
    if (!setting.log.capabilities.sharedByProcesses) return context.skip('not shared by processes')
    const { other, consumer, theirs } = await share(setting)
    other.process.kill('SIGKILL')
    await other.ended
    const again = await readSome(consumer, theirs.length * 10)
    assert.deepEqual(new Set(again.map(({ partition }) => partition)), new Set(theirs))
    assert.deepEqual(consumer.assignment, [0, 1, 2, 3])
  },

  'a reader that is silent for too long loses its partitions, and finds out when it wakes': async (setting, context) => {
    if (!setting.log.capabilities.sharedByProcesses) return context.skip('not shared by processes')
    const { other, consumer, theirs } = await share(setting)
    const stopping = new AbortController()
    const stopped = keepStopped(other.process, 6 * setting.sessionTimeout, stopping.signal)
    const again = await readSome(consumer, theirs.length * 10).finally(() => stopping.abort())
    await stopped
    assert.deepEqual(new Set(again.map(({ partition }) => partition)), new Set(theirs))
    await until('the other is told', () => {
      other.process.kill('SIGCONT')
      return other.assignment.length === 2 && other.assignments > 2 && consumer.assignment.length === 2
    })
    assert.deepEqual([...consumer.assignment, ...other.assignment].sort(), [0, 1, 2, 3])
    other.process.kill('SIGKILL')
    await other.ended
  },
}

/**
 * Stops a process until the signal. Where it was stopped with a lock of the operating system in hand it would hold up all others, so it
 * goes on for a moment now and then: far more seldom than it would have to be heard from.
 */
async function keepStopped(process: ChildProcess, milliseconds: number, signal: AbortSignal): Promise<void> {
  for (;;) {
    process.kill('SIGSTOP')
    await setTimeout(milliseconds, undefined, { signal }).catch(() => {})
    if (signal.aborted) return
    process.kill('SIGCONT')
    await setTimeout(20)
  }
}

/** A topic of four partitions with ten records each, two of which a process has, the others a reader here. */
async function share(setting: Setting) {
  const { log, topic, sessionTimeout } = setting
  await log.createTopic(topic, 4)
  const other = await start(setting, { kind: 'read', group: 'g', sessionTimeout })
  await until('the process has all', () => other.assignment.length === 4)
  const consumer = await reader(log, topic, { group: 'g', sessionTimeout })
  let sharing = true
  const reading = (async () => {
    while (sharing) await consumer.read(10, 20)
  })()
  await until('both have a share', () => other.assignment.length === 2 && consumer.assignment.length === 2)
  sharing = false
  await reading
  const theirs = other.assignment
  await log.append(
    topic,
    Array.from({ length: 40 }, (_, at) => record('k', `${at}`, at % 4)),
  )
  const mine = await readSome(consumer, 20)
  assert.deepEqual(new Set(mine.map(({ partition }) => partition)), new Set(consumer.assignment))
  await until('the process has read its share', () => other.read.length === 20)
  return { other, consumer, theirs }
}

interface Other {
  readonly process: ChildProcess
  /** How many batches it has appended. */
  appended: number
  assignment: readonly number[]
  /** How often that has changed. */
  assignments: number
  readonly read: string[]
  readonly ended: Promise<unknown>
}

/** A process that has opened the log and does its work. */
async function start({ under: { elsewhere }, topic }: Setting, work: ProcessPlan['work']): Promise<Other> {
  assert.ok(elsewhere, 'a log that is shared by processes is tested with `elsewhere`')
  const plan: ProcessPlan = { ...elsewhere, topic, work }
  const options = process.execArgv.filter((option) => !option.startsWith('--test'))
  const child = spawn(process.execPath, [...options, program, JSON.stringify(plan)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'close')
  const other: Other = { process: child, appended: 0, assignment: [], assignments: 0, read: [], ended }
  const ready = new Promise<void>((resolve) => {
    createInterface(child.stdout).on('line', (line) => {
      const news = JSON.parse(line) as ProcessNews
      if ('ready' in news) resolve()
      else if ('appended' in news) other.appended = news.appended
      else if ('read' in news) other.read.push(news.read)
      else {
        other.assignment = news.assignment
        other.assignments++
      }
    })
  })
  await Promise.race([ready, ended.then(() => assert.fail('the process has ended before it was ready'))])
  return other
}
