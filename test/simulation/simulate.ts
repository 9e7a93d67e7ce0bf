import assert from 'node:assert/strict'
import fc from 'fast-check'
import { FeatureGroup, rows as history, type SourceData } from '../../src/definition/index.ts'
import { LockstepError } from '../../src/errors.ts'
import type { LandedFile } from '../../src/offline/index.ts'
import { memoryOnlineStore } from '../../src/online/drivers/memory.ts'
import { type EventGroupPlan, LiveStateCodec, planGroup, StateReader } from '../../src/plan/index.ts'
import { type Cell, encodeKey, fromCell, type TypeData } from '../../src/schema/index.ts'
import { onlineMeta, onlineTable, recentTable } from '../../src/serving/index.ts'
import { eventEncoder } from '../../src/stream/event-encoder.ts'
import { keyText } from '../../src/stream/group-unit.ts'
import { type Fill, historyTable, LiveGroup, type LiveKey, parseUnitText, StreamEngine, type UnitText } from '../../src/stream/index.ts'
import type { OracleRow } from '../../src/testing/index.ts'
import { oracleAnswer } from '../support/oracle-answers.ts'
import { publicRows, type RandomCase, randomCase } from '../support/random-case.ts'
import { SimulatedFiles } from './simulated-landing.ts'
import { SimulatedLog } from './simulated-log.ts'
import { connectStore } from './simulated-store.ts'
import { Process, World } from './world.ts'

export interface SimulationResult {
  readonly events: number
  readonly compared: number
  readonly crashes: number
  readonly takeovers: number
}

const topic = 'random'
const dayMicros = 86_400_000_000

/**
 * One run that a seed decides: events are pushed to workers that crash, stall, lose their partitions and go on all the same, over
 * a log and a store that are slow and fail. In the end the oracle judges every value, from memory and from the stored rows.
 */
export async function simulate(seed: number): Promise<SimulationResult> {
  const [one] = fc.sample(randomCase().filter(isFit), { seed, numRuns: 1 })
  const run = new Run(seed, one as RandomCase)
  return await run.world.run(run.play())
}

/** Live groups of events; no case whose numbers pass their range, which is an error of every path. */
function isFit(one: RandomCase): boolean {
  const { group, keys, moments } = one
  if (group.source.kind !== 'events' || group.refresh.kind !== 'live') return false
  return keys.every((key) => moments.every((moment) => !('error' in oracleAnswer({ ...one, asKnown: false }, key, moment))))
}

class Run {
  readonly world: World
  readonly #one: RandomCase
  readonly #group: FeatureGroup
  readonly #plan: EventGroupPlan
  readonly #log: SimulatedLog
  readonly #files = new SimulatedFiles()
  readonly #store = memoryOnlineStore()
  readonly #workers: { process: Process; engine: Promise<StreamEngine> }[] = []
  /** What the source's history holds from the beginning, and what is pushed. */
  readonly #past: readonly OracleRow[]
  readonly #rows: readonly OracleRow[]
  #crashes = 0
  #takeovers = 0
  #over = false

  constructor(seed: number, one: RandomCase) {
    this.#one = one
    const { source } = one.group
    const times = one.rows.map((row) => timeOf(source, row))
    this.world = new World(seed, Math.max(0, ...times) + dayMicros)
    const { random } = this.world
    const rows = consistentRows(one)
    const repeats = source.id.length > 0
    const span = Math.max(0, ...times) - Math.min(0, ...times)
    // Late within bounds: as late as declared, or any order where all is kept.
    const lateness = repeats || random(2) === 0 ? 2 * span + dayMicros : random(span + 1)
    const due = new Map(rows.map((row) => [row, timeOf(source, row) + random(Math.min(lateness, span) + 1)]))
    const arriving = rows.toSorted((a, b) => (due.get(a) as number) - (due.get(b) as number))
    const past = repeats && random(2) === 0 ? arriving.slice(0, random(arriving.length + 1)) : []
    // History without known times has one version of each event.
    this.#past = source.known === null ? [...new Map(past.map((row): [string, OracleRow] => [idOf(source, row), row])).values()] : past
    // What is in the past may come again.
    this.#rows = [...past.filter(() => random(3) === 0), ...arriving.slice(past.length)]
    const keys = Object.values<string>(one.group.keys)
    const streamed: SourceData = {
      ...source,
      lateness,
      history: past.length === 0 ? null : history(publicRows({ group: one.group, rows: this.#past })),
      stream: { topic, key: random(3) === 0 ? keys.slice(0, 1) : keys, format: { kind: 'json' }, partitions: 1 + random(4) },
    }
    this.#group = new FeatureGroup({ ...one.group, source: streamed })
    this.#plan = planGroup(this.#group) as EventGroupPlan
    this.#log = new SimulatedLog(this.world)
    this.#log.createTopic(topic, streamed.stream?.partitions ?? 1)
  }

  async play(): Promise<SimulationResult> {
    const { random } = this.world
    const workers = 1 + random(3)
    for (let i = 0; i < workers; i++) void this.#start(true)
    const chaos = this.#chaos()
    await this.#push()
    await this.world.after(random(20_000))
    this.#over = true
    await chaos
    for (const { process } of this.#workers) {
      process.crash()
      this.#log.expire(process)
    }
    // Whatever they left, one that works can go on from.
    const engine = await this.#start(false)
    await engine.ready
    await engine.caughtUp()
    const compared = this.#judge(await this.#answers(engine))
    await this.#judgeHistory(engine)
    await engine.close()
    const again = await this.#answers(null)
    return { events: this.#rows.length, compared: compared + this.#judge(again), crashes: this.#crashes, takeovers: this.#takeovers }
  }

  #start(troubled: boolean): Promise<StreamEngine> {
    const process = new Process(this.world, troubled ? { failures: true, crashes: 150 } : { failures: false, crashes: 0 })
    const state = connectStore(this.#store, process)
    const engine = StreamEngine.open({
      groups: [this.#group],
      log: this.#log.connect(process),
      state,
      landing: this.#files.connect(process),
      fill: this.#fill(process),
      clock: process.clock,
      worker: `worker ${this.#workers.length}`,
      commitEvery: 1 + this.world.random(200),
      sessionTimeout: 3000,
      stateMemory: this.world.random(3) === 0 ? 2000 : 1_000_000,
    })
    engine.catch(() => process.crash())
    engine.then((one) => one.ready.catch(() => process.crash())).catch(() => {})
    this.#workers.push({ process, engine })
    return engine
  }

  /** Things that happen to workers. */
  async #chaos(): Promise<void> {
    const { random } = this.world
    while (!this.#over) {
      await this.world.after(random(3000))
      const worker = this.#workers[this.#workers.length - 1 - random(Math.min(3, this.#workers.length))]
      if (!worker) continue
      const { process } = worker
      switch (random(5)) {
        case 0:
          process.crash()
          break
        case 1: {
          // The log takes it for dead while it goes on with what it has read.
          this.#takeovers++
          process.cutOff = this.world.after(random(10_000)).then(() => {
            process.cutOff = null
          })
          this.#log.expire(process)
          break
        }
        case 2:
          process.skew = random(2) === 0 ? 0 : random(7_200_000_000) - 3_600_000_000
          break
        default:
      }
      if (!process.alive) {
        this.#crashes++
        await this.world.after(random(1000))
        this.#workers.splice(this.#workers.indexOf(worker), 1)
        void this.#start(true)
      }
    }
  }

  async #push(): Promise<void> {
    const { random } = this.world
    const encode = eventEncoder(this.#group.source)
    const producer = new Process(this.world, { failures: this.#group.source.id.length > 0, crashes: 0 })
    const log = this.#log.connect(producer)
    for (const row of publicRows({ group: this.#group, rows: this.#rows })) {
      const record = encode(row, 'a row')
      const poison = { ...record, value: new TextEncoder().encode('{') }
      const records = random(30) === 0 ? [poison, record] : [record]
      for (;;) {
        const sent = await log.append(topic, records).then(
          () => true,
          () => false,
        )
        // The same again, perhaps: who sent it cannot know.
        if (sent && !(producer.faults.failures && random(10) === 0)) break
      }
      if (random(3) === 0) await this.world.after(random(2000))
    }
  }

  /** What the batch path does, in memory: all of the past, and what has landed. */
  #fill(process: Process): Fill {
    return async (group, landed, version) => {
      const live = new LiveGroup(this.#plan)
      const add = (cells: readonly Cell[], time: number, known: number) => {
        const names = Object.keys(group.source.columns)
        const key = keyText(encodeKey(...keyCells(this.#plan, cells)))
        if (!live.has(key)) live.load(key, null, null)
        live.apply(
          key,
          time,
          known,
          this.#plan.state.columns.map((name) => cells[names.indexOf(name)] as Cell),
        )
      }
      for (const row of this.#past) {
        const cells = Object.keys(group.source.columns).map((name) => row[name] ?? null)
        add(cells, timeOf(group.source, row), declaredKnown(group.source, row) ?? Number.NEGATIVE_INFINITY)
      }
      for (const { cells, time, known } of await process.call('load', () => this.#files.events(landed))) add(cells, time, known)
      const { sealed } = live.takeChanges(version)
      const state = connectStore(this.#store, process)
      await state.writeMeta(onlineTable(group), onlineMeta(group))
      if (sealed.length > 0) await state.write(onlineTable(group), sealed)
    }
  }

  /** From the memory of a worker where it has the key, else from the stored rows, as a server would read them. */
  async #answers(engine: StreamEngine | null): Promise<Answer[]> {
    const codec = new LiveStateCodec(this.#plan)
    const stored = new StateReader(this.#plan)
    const answers: Answer[] = []
    for (const key of this.#one.keys) {
      const types = Object.values<TypeData>(this.#group.entity.keys)
      const bytes = encodeKey(
        types,
        Object.keys(this.#group.entity.keys).map((name) => key[name] as Cell),
      )
      // Memory first: what is no longer there has been stored.
      const inMemory = engine?.find(this.#group, bytes) ?? null
      const reads = [onlineTable(this.#group), recentTable(this.#group)].map((table) => ({ table, keys: [bytes] }))
      const [sealed, recent] = inMemory ? [] : (await this.#store.read(reads)).map(([value]) => value ?? null)
      const state = sealed ? codec.decode(sealed, recent ?? null) : null
      const reader = inMemory ?? (state ? stored.bind(state.events, state) : null)
      for (const moment of this.#one.moments) answers.push({ key, moment, found: reader ? this.#answer(reader, moment) : null })
    }
    return answers
  }

  #answer(reader: LiveKey, moment: number): Answer['found'] {
    try {
      reader.seek(moment)
      const { features } = this.#plan
      return {
        values: Object.fromEntries(features.map(({ name, type }, place) => [name, fromCell(type, reader.value(place))])),
        status: reader.status,
      }
    } catch (error) {
      if (error instanceof LockstepError) return { error: error.code }
      throw error
    }
  }

  #judge(answers: readonly Answer[]): number {
    const rows = this.#countedRows()
    const horizon = Math.max(...rows.map((row) => timeOf(this.#group.source, row))) - this.#group.source.lateness
    let compared = 0
    for (const { key, moment, found } of answers) {
      const expected = oracleAnswer({ group: this.#group, rows, asKnown: false }, key, moment)
      if (found !== null && 'error' in found && found.error === 'READ_BEFORE_STATE' && moment < horizon) continue
      if (found === null) {
        assert.equal((expected as { status?: string }).status, 'NOT_FOUND', `${JSON.stringify(Object.values(key).map(String))} is unknown`)
        continue
      }
      assert.deepEqual(found, expected, `${JSON.stringify(Object.values(key).map(String))} at ${moment}`)
      compared++
    }
    return compared
  }

  /** The events that the log holds, of each declared id the version that counts, and the past. */
  #countedRows(): OracleRow[] {
    const { source } = this.#group
    const sent = this.#log
      .records(topic)
      .flat()
      .sort((a, b) => a.taken - b.taken)
    const byText = new Map(
      publicRows({ group: this.#group, rows: this.#rows }).map((row, index): [string, OracleRow] => [
        text(eventEncoder(source)(row, 'a row').value),
        this.#rows[index] as OracleRow,
      ]),
    )
    const logged = sent.map(({ value }) => byText.get(text(value))).filter((row) => row !== undefined)
    const all: OracleRow[] = [...this.#past, ...logged]
    if (source.id.length === 0 || source.known !== null) return all
    // Known by when the log took them.
    return [...new Map(all.map((row): [string, OracleRow] => [idOf(source, row), row])).values()]
  }

  /** Each valid record has landed once. */
  async #judgeHistory(engine: StreamEngine): Promise<void> {
    const { partitions = 0 } = this.#group.source.stream ?? {}
    for (let partition = 0; partition < partitions; partition++) {
      const records = this.#log.records(topic)[partition] ?? []
      let unit: UnitText | null = null
      while ((unit?.position ?? 0) < records.length) {
        await this.world.after(100)
        await engine.flush()
        unit = parseUnitText(await this.#store.readMeta(historyTable(this.#group.source.name, partition)))
      }
      const landed = this.#files.events((unit?.details as readonly LandedFile[] | undefined) ?? []).map(({ offset }) => offset)
      const valid = records.filter(({ value }) => text(value) !== '{').map(({ offset }) => offset)
      assert.deepEqual(
        landed.toSorted((a, b) => a - b),
        valid,
        `history of partition ${partition}`,
      )
    }
  }
}

interface Answer {
  readonly key: OracleRow
  readonly moment: number
  readonly found: { values: Record<string, unknown>; status: string } | { error: string } | null
}

const text = (bytes: Uint8Array | null): string => new TextDecoder().decode(bytes ?? new Uint8Array())

const idOf = (source: SourceData, row: OracleRow): string => JSON.stringify(source.id.map((name) => String(row[name])))

function timeOf(source: SourceData, row: OracleRow): number {
  return (row[source.time] as number) * (source.columns[source.time]?.kind === 'date' ? dayMicros : 1)
}

function declaredKnown(source: SourceData, row: OracleRow): number | null {
  const cell = source.known === null ? null : row[source.known]
  if (cell === null || cell === undefined) return null
  return (cell as number) * (source.columns[source.known as string]?.kind === 'date' ? dayMicros : 1)
}

function keyCells({ group }: EventGroupPlan, cells: readonly Cell[]): [TypeData[], Cell[]] {
  const names = Object.keys(group.source.columns)
  const keys = Object.entries<TypeData>(group.entity.keys)
  return [keys.map(([, type]) => type), keys.map(([key]) => cells[names.indexOf(group.keys[key] as string)] as Cell)]
}

/** A correction keeps its entity key, and no two versions of an event are known at the same time. */
function consistentRows({ group, rows }: RandomCase): OracleRow[] {
  const { source } = group
  if (source.id.length === 0) return [...rows]
  const first = new Map<string, OracleRow>()
  const seen = new Set<string>()
  return rows.flatMap((row): OracleRow[] => {
    const id = idOf(source, row)
    const original = first.get(id)
    if (!original) first.set(id, row)
    const known = `${id} ${declaredKnown(source, row)}`
    if (source.known !== null && seen.has(known)) return []
    seen.add(known)
    return [original ? { ...row, ...pick(original, Object.values<string>(group.keys)) } : row]
  })
}

const pick = (row: OracleRow, names: readonly string[]): OracleRow => Object.fromEntries(names.map((name) => [name, row[name] ?? null]))
