import { FeatureGroup, type SourceData, topic } from '../definition/index.ts'
import type { EventLog } from '../eventlog/index.ts'
import type { SourceRow } from '../offline/index.ts'
import type { OnlineStore } from '../online/index.ts'
import type { Interrupt } from '../pointintime/index.ts'
import { cellComparator, fromCell } from '../schema/index.ts'
import { StreamEngine } from '../stream/index.ts'
import type { Arrivals } from './arrivals.ts'
import { askTimes } from './ask-times.ts'
import { AskedAt, oneWithin } from './asked-at.ts'
import type { Comparison } from './comparison.ts'
import type { GroupCase } from './group-case.ts'
import type { GroupRows } from './group-rows.ts'
import { shuffled } from './shuffled.ts'
import { VectorAnswers } from './vector-answers.ts'

export interface EngineRunOptions {
  /** Rows that are pushed at most; keys take part with all of theirs. */
  readonly rows: number
  /** The columns by which the topic is partitioned: where they are not those of the group, events go through a router. */
  readonly key: readonly string[]
  readonly log: EventLog
  readonly state: OnlineStore
  /** Reads of the process that runs the engine are compared here, and reads of another one, of what was stored. */
  readonly live: Comparison
  readonly stored: Comparison
  readonly random: (below: number) => number
  readonly interrupt: Interrupt
}

/** Rows pushed at once, at most, and how often there is a push where these are few. */
const mostAtOnce = 100
const pushCount = 30
/** The engine ends after one push in so many, and what it took is stored after one in so many. */
const restartEvery = 12
const flushEvery = 3

/**
 * Pushes some of the rows, as public values and in an order of arrival, to an engine over a log and a store, and asks questions
 * of it and of what it has stored. Now and then the engine is closed, or given up as in a crash, and another goes on.
 */
export async function runEngine(
  groupCase: GroupCase,
  arrivals: Arrivals,
  options: EngineRunOptions,
): Promise<{ readonly restarts: number }> {
  const { questions, plan } = groupCase
  const { log, state, live, stored, random, interrupt } = options
  const group = groupOfEngine(groupCase.streamed as FeatureGroup, options.key)
  const { source } = group
  const rows = versionsInOrder(source, groupCase.rows, arrivals.rows.filter(chosenRows(groupCase.rows, options.rows, random)))
  interrupt.stage(`pushing ${group.name}, ${arrivals.name}`, rows.length)
  const pushes = pushEnds(rows.length, random)
  const flushed = pushes.filter((_, push) => push + 1 === pushes.length || random(flushEvery) === 0)
  const times = askTimes(group, groupCase.rows, groupCase.keyTimes, questions, rows)
  const oneOf = (places: Int32Array) => (from: number, to: number) => oneWithin(places, from, to, random)
  const asked = new AskedAt(rows.length, questions, times, oneOf(pushes), random)
  const askedOfStore = new AskedAt(rows.length, questions, times, oneOf(flushed), random)
  const { maxBytes = 2 ** 30 } = arrivals.state
  const open = () => StreamEngine.open({ groups: [group], log, state, stateMemory: maxBytes, commitEvery: 5 })
  let engine = await open()
  let restarts = 0
  try {
    await engine.ready
    const vectors = await VectorAnswers.open(group, plan.features, groupCase.rows.keys, state, (of, key) => engine.find(of, key))
    const others = await VectorAnswers.open(group, plan.features, groupCase.rows.keys, state)
    let from = 0
    for (const end of pushes) {
      const pushed = Array.from(rows.subarray(from, end + 1), (row) => groupCase.rows.rows[row] as SourceRow)
      // Those of nobody change nothing.
      const stray = groupCase.rows.strays[random(groupCase.rows.strays.length)]
      await engine.push(source.name, publicRows(source, stray ? [stray, ...pushed] : pushed))
      for (const question of asked.at(end))
        live.ask(question, () => vectors.answer(questions.keys[question] as number, questions.at[question] as number))
      if (flushed.includes(end)) {
        await engine.flush()
        for (const question of askedOfStore.at(end))
          stored.ask(question, () => others.answer(questions.keys[question] as number, questions.at[question] as number))
      }
      if (random(restartEvery) === 0) {
        await (random(2) === 0 ? engine.close() : engine.abandon())
        engine = await open()
        await engine.caughtUp()
        restarts++
      }
      interrupt.check()
      interrupt.advance(end + 1 - from)
      from = end + 1
    }
  } finally {
    await engine.close()
  }
  return { restarts }
}

/** The group with a log of its own: what the source has of history is not there. */
function groupOfEngine(group: FeatureGroup, key: readonly string[]): FeatureGroup {
  const { source } = group
  const { partitions = 2 } = source.stream ?? {}
  return new FeatureGroup({ ...group, source: { ...source, history: null, stream: topic(source.name, { key, partitions }) } })
}

/** Whether a row takes part: all those of some keys, chosen at random, that have no more than so many rows together. */
function chosenRows({ keyOf, keys }: GroupRows, most: number, random: (below: number) => number): (row: number) => boolean {
  const counts = new Int32Array(keys.length)
  for (const key of keyOf) counts[key] = (counts[key] as number) + 1
  const chosen = new Uint8Array(keys.length)
  let left = most
  for (const key of shuffled(keys.length, random)) {
    const count = counts[key] as number
    if (count > left) continue
    chosen[key] = 1
    left -= count
  }
  return (row) => chosen[keyOf[row] as number] === 1
}

/**
 * Without a known time the version of an event that a log took last counts, and in files the one of the greatest content: where
 * there are several, they are pushed in that order, so that both mean the same.
 */
function versionsInOrder(source: SourceData, { rows, eventOf }: GroupRows, arrivals: Int32Array): Int32Array {
  if (source.known !== null || source.id.length === 0) return arrivals
  const columns = Object.entries(source.columns)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, type]) => ({ name, compare: cellComparator(type) }))
  const byContent = (a: number, b: number) => {
    for (const { name, compare } of columns) {
      const order = compare(rows[a]?.[name] ?? null, rows[b]?.[name] ?? null)
      if (order !== 0) return order
    }
    return 0
  }
  const ordered = arrivals.slice()
  for (const places of Map.groupBy(arrivals.keys(), (place) => eventOf[arrivals[place] as number]).values()) {
    if (places.length === 1) continue
    const versions = places.map((place) => arrivals[place] as number).sort(byContent)
    for (const [index, place] of places.entries()) ordered[place] = versions[index] as number
  }
  return ordered
}

/** The places of the last rows of each push. */
function pushEnds(count: number, random: (below: number) => number): Int32Array {
  const ends: number[] = []
  const atOnce = Math.max(1, Math.min(mostAtOnce, Math.floor(count / pushCount)))
  for (let end = random(atOnce); end < count - 1; end += 1 + random(atOnce)) ends.push(end)
  return Int32Array.from([...ends, count - 1])
}

const publicRows = ({ columns }: SourceData, rows: readonly SourceRow[]) =>
  rows.map((row) => Object.fromEntries(Object.entries(columns).map(([name, type]) => [name, fromCell(type, row[name] ?? null)])))
