import assert from 'node:assert/strict'
import fc from 'fast-check'
import { FeatureGroup } from '../../src/definition/index.ts'
import { LockstepError } from '../../src/errors.ts'
import type { OracleRow } from '../../src/oracle/index.ts'
import { type EventGroupPlan, LiveStateCodec, noEvents, planGroup, StateReader, wholeHistory } from '../../src/plan/index.ts'
import { type Cell, compareCell, encodeKey, fromCell, type TypeData, t } from '../../src/schema/index.ts'
import { LiveGroup, type LiveGroupOptions, type LiveKey } from '../../src/stream/live-group.ts'
import { oracleAnswer } from './oracle-answers.ts'
import { type RandomCase, randomCase } from './random-case.ts'

/** A row as a log holds it, with the moment at which it took it. */
export interface Arrival {
  readonly row: OracleRow
  readonly time: number
  readonly known: number
}

/** What happens to a unit, one after the other. */
type Step =
  | { readonly step: 'apply'; readonly count: number }
  | { readonly step: 'advance'; readonly back: number }
  | { readonly step: 'take' | 'store' | 'restart' | 'read' }

export const randomSteps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 1, max: 6 }).map((count): Step => ({ step: 'apply', count })) },
    { weight: 3, arbitrary: fc.nat({ max: 3 }).map((back): Step => ({ step: 'advance', back })) },
    {
      weight: 5,
      arbitrary: fc.constantFrom<Step>({ step: 'take' }, { step: 'store' }, { step: 'store' }, { step: 'read' }, { step: 'restart' }),
    },
  ),
  { minLength: 4, maxLength: 40, size: 'max' },
)

export const randomOptions = fc.record({
  maxBytes: fc.constantFrom(0, 2000, 1e9),
  recentEvents: fc.constantFrom(-1, -1, 0, 2, 32),
  hotEvents: fc.constantFrom(0, 3, 8, 256),
  evaluatedEvents: fc.constantFrom(0, 10, 1000),
})
export const randomEventCase = randomCase().filter(({ group }) => group.source.kind === 'events')

/** The packed bytes of a key as a text. */
export const textOf = (key: Uint8Array): string => Buffer.from(key).toString('latin1')

/** A unit of one partition, its store, and what the oracle is to know. */
export class LiveUnit {
  readonly one: RandomCase
  readonly plan: EventGroupPlan
  readonly options: LiveGroupOptions
  readonly codec: LiveStateCodec
  readonly stored: StateReader
  /** With the moment of arrival as a column, where events have ids and no column that says when a row became known. */
  readonly judged: FeatureGroup
  readonly log: readonly Arrival[]
  live: LiveGroup
  position = 0
  horizon = Number.NEGATIVE_INFINITY
  /** What was taken to be stored. */
  pending: {
    sealed: Map<string, Uint8Array>
    recent: Map<string, Uint8Array>
    position: number
    horizon: number
    accepted: OracleRow[]
  } | null = null
  commits = 0
  readonly sealed = new Map<string, Uint8Array>()
  readonly recent = new Map<string, Uint8Array>()
  committed = { position: 0, horizon: Number.NEGATIVE_INFINITY, accepted: [] as OracleRow[] }
  accepted: OracleRow[] = []

  constructor(one: RandomCase, options: LiveGroupOptions) {
    const { group } = one
    const plan = planGroup(group)
    if (plan.kind !== 'events') throw new TypeError('events')
    this.one = one
    this.plan = plan
    this.options = options
    this.codec = new LiveStateCodec(plan)
    this.stored = new StateReader(plan)
    this.live = new LiveGroup(plan, options)
    const { source } = group
    this.judged =
      source.known === null && source.id.length > 0
        ? new FeatureGroup({
            ...group,
            source: { ...source, columns: { ...source.columns, __known: t.timestamp().nullable().data }, known: '__known' },
          })
        : group
    this.log = arrivals(one, plan)
  }

  /** Begins with what history holds. */
  begin(past: readonly Arrival[], horizon: number): void {
    this.position = past.length
    this.accepted = past.map(({ row, known }) => this.judgedRow(row, known))
    this.horizon = horizon
    this.live.advance(horizon)
    this.committed = { position: past.length, horizon, accepted: [...this.accepted] }
  }

  run(step: Step): void {
    switch (step.step) {
      case 'apply':
        for (let i = 0; i < step.count && this.position < this.log.length; i++) this.apply(this.log[this.position++] as Arrival)
        return
      case 'advance': {
        const seen = this.log.slice(0, this.position).map(({ time }) => time)
        const newest = seen.sort((a, b) => b - a)[step.back]
        if (newest === undefined || newest < this.horizon) return
        this.horizon = newest
        this.live.advance(newest)
        return
      }
      case 'take':
        if (this.pending === null) this.take()
        return
      case 'store':
        if (this.pending === null) this.take()
        this.store()
        return
      case 'restart':
        this.restart()
        return
      case 'read':
        this.read()
    }
  }

  apply({ row, time, known }: Arrival): void {
    const { plan, live } = this
    if (this.isOutOfReach(row)) return
    const key = this.keyOf(row)
    this.bring(key)
    const cells = plan.state.columns.map((name) => row[name] as Cell)
    const outcome = live.apply(key, time, known, cells)
    if (outcome === 'late')
      assert.ok(time < this.horizon || this.earlier(row).some((own) => own < this.horizon), 'late only before the horizon')
    else this.accepted.push(this.judgedRow(row, known))
  }

  /** A correction of an event from before the horizon: what it corrects may be folded away. */
  isOutOfReach(row: OracleRow): boolean {
    return this.plan.state.known && this.earlier(row).some((time) => time < this.horizon)
  }

  earlier(row: OracleRow): number[] {
    const { source } = this.one.group
    const same = this.accepted.filter((own) =>
      source.id.every((name) => compareCell(source.columns[name] as TypeData, own[name] as Cell, row[name] as Cell) === 0),
    )
    return source.id.length === 0 ? [] : same.map((own) => timeOf(source.columns[source.time] as TypeData, own[source.time] as number))
  }

  judgedRow(row: OracleRow, known: number): OracleRow {
    return this.judged === this.one.group ? row : { ...row, __known: known === -Infinity ? null : known }
  }

  bring(key: string): void {
    if (!this.live.has(key)) this.live.load(key, this.sealed.get(key) ?? null, this.recent.get(key) ?? null)
  }

  take(): void {
    const version = new Uint8Array(16).fill(this.commits++ & 0xff, 8)
    const { sealed, recent } = this.live.takeChanges(version)
    const byKey = (rows: typeof sealed) => new Map(rows.map(({ key, value }) => [textOf(key), value]))
    this.pending = {
      sealed: byKey(sealed),
      recent: byKey(recent),
      position: this.position,
      horizon: this.horizon,
      accepted: [...this.accepted],
    }
  }

  store(): void {
    const { sealed, recent, ...rest } = this.pending as NonNullable<typeof this.pending>
    for (const [key, value] of sealed) this.sealed.set(key, value)
    for (const [key, value] of recent) this.recent.set(key, value)
    this.committed = rest
    this.pending = null
    this.live.committed()
  }

  restart(): void {
    this.pending = null
    this.position = this.committed.position
    this.horizon = this.committed.horizon
    this.accepted = [...this.committed.accepted]
    this.live = new LiveGroup(this.plan, this.options)
    this.live.advance(this.horizon)
  }

  read(): void {
    for (const key of this.one.keys) {
      const text = this.keyOf(key, true)
      const bytes = this.sealed.get(text)
      const state = bytes === undefined ? null : this.codec.decode(bytes, this.recent.get(text) ?? null)
      this.check(
        this.stored.bind(state?.events ?? noEvents(this.plan), state ?? wholeHistory),
        this.committed.accepted,
        this.committed.horizon,
        key,
        'as stored',
        false,
      )
      const live = this.live.read(text)
      if (live) this.check(live, this.accepted, this.horizon, key, 'in memory', true)
    }
  }

  check(read: LiveKey, rows: readonly OracleRow[], horizon: number, key: OracleRow, where: string, next: boolean): void {
    const { judged, one } = this
    for (const moment of one.moments) {
      const expected = oracleAnswer({ group: judged, rows, asKnown: false }, key, moment)
      let found: unknown
      try {
        read.seek(moment)
        const values = this.plan.features.map(({ name, type }, feature) => [name, fromCell(type, read.value(feature))])
        found = { values: Object.fromEntries(values), status: read.status }
        if (next) this.checkNext(read, rows, key, moment, expected)
      } catch (error) {
        if (!(error instanceof LockstepError)) throw error
        if (error.code === 'READ_BEFORE_STATE' && moment < horizon) continue
        found = { error: error.code }
      }
      assert.deepEqual(found, expected, `${where}, as of ${moment}`)
    }
  }

  /** Until `nextChangeAt` a value is the same. */
  checkNext(read: LiveKey, rows: readonly OracleRow[], key: OracleRow, moment: number, now: ReturnType<typeof oracleAnswer>): void {
    const untils = Map.groupBy(this.plan.features.keys(), (feature) => {
      const next = read.nextChangeAt(feature)
      assert.ok(next === null || next > moment, `the next change ${next} comes after ${moment}`)
      return next === null ? moment + 1e15 : next - 1
    })
    for (const [until, features] of untils) {
      const then = until === moment ? now : oracleAnswer({ group: this.judged, rows, asKnown: false }, key, until)
      // Another feature of the group may raise.
      if ('error' in now || 'error' in then) continue
      for (const feature of features) {
        const { name } = this.plan.features[feature] as { name: string }
        assert.deepEqual(then.values[name], now.values[name], `${name} does not change from ${moment} to ${until}`)
      }
    }
  }

  keyOf(row: OracleRow, isKey = false): string {
    const { keys, entity } = this.one.group
    const cells = Object.keys(entity.keys).map((name) => row[isKey ? name : (keys[name] as string)] as Cell)
    return textOf(encodeKey(Object.values<TypeData>(entity.keys), cells))
  }
}

const timeOf = ({ kind }: TypeData, cell: number) => (kind === 'date' ? cell * 86_400_000_000 : cell)

/**
 * The rows of a case in order of arrival, as a stream may hold them: corrections keep the key; and where several versions became known
 * at one moment, the columns in state tell which of them counts.
 */
function arrivals({ group, rows }: RandomCase, plan: EventGroupPlan): Arrival[] {
  const { source } = group
  const timeType = source.columns[source.time] as TypeData
  const knownOf = (row: OracleRow): number => {
    if (source.known === null) return rows.indexOf(row)
    const cell = row[source.known]
    return cell === null || cell === undefined ? Number.NEGATIVE_INFINITY : timeOf(source.columns[source.known] as TypeData, cell as number)
  }
  const compareBy = (names: readonly string[], a: OracleRow, b: OracleRow) =>
    names.map((name) => compareCell(source.columns[name] as TypeData, a[name] as Cell, b[name] as Cell)).find((order) => order !== 0) ?? 0
  const all = Object.keys(source.columns).sort()
  const inState = [...plan.state.columns, source.time].sort()
  const arrived: Arrival[] = []
  for (const row of rows) {
    const known = knownOf(row)
    const versions = source.id.length === 0 ? [] : arrived.filter((own) => compareBy(source.id, own.row, row) === 0)
    const keys = Object.values(group.keys)
    if (versions.some((own) => compareBy(keys, own.row, row) !== 0)) continue
    if (
      versions.some((own) => own.known === known && Math.sign(compareBy(all, own.row, row)) !== Math.sign(compareBy(inState, own.row, row)))
    )
      continue
    arrived.push({ row, time: timeOf(timeType, row[source.time] as number), known })
  }
  return arrived
}
