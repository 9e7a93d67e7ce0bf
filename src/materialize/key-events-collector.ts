import { type Batch, type BatchColumn, cellAt } from '../offline/index.ts'
import type { EventGroupPlan } from '../plan/index.ts'
import type { TypeData } from '../schema/index.ts'
import { EventColumn } from './event-column.ts'
import type { HistoryKey, KeyEvents } from './key-events.ts'

/** Events that are worth being given together. */
const fullCount = 65_536

const number: TypeData = { kind: 'float', nullable: false }

/** Collects rows that come in order of key and time, and gives whole keys. */
export class KeyEventsCollector {
  readonly #plan: EventGroupPlan
  readonly #keyTypes: readonly TypeData[]
  readonly #times = new EventColumn(number)
  readonly #known = new EventColumn(number)
  readonly #columns: ReadonlyMap<string, EventColumn>
  /** The columns in the order in which batches have them, from the known time on. */
  readonly #events: readonly EventColumn[]
  readonly #tieBreakers: readonly EventColumn[]
  #keys: HistoryKey[] = []
  /** Where the events of each key begin. */
  #starts: number[] = []
  #count = 0

  constructor(plan: EventGroupPlan, keyTypes: readonly TypeData[], names: readonly string[], types: readonly TypeData[]) {
    this.#plan = plan
    this.#keyTypes = keyTypes
    this.#columns = new Map(names.map((name, index) => [name, new EventColumn(types[index] as TypeData)]))
    this.#events = [this.#known, ...this.#columns.values()]
    this.#tieBreakers = plan.ordered ? plan.orderColumns.map((name) => this.#columns.get(name) as EventColumn) : []
  }

  add({ columns, count }: Batch): void {
    const [times, older] = columns as [BatchColumn, BatchColumn]
    const keys = columns.slice(2, 2 + this.#keyTypes.length)
    const events = columns.slice(2 + this.#keyTypes.length)
    let from = 0
    for (let row = 0; row < count; row++) {
      if (!this.#isLastKey(keys, row)) {
        const cells = this.#keyTypes.map((type, index) => cellAt(type, keys[index] as BatchColumn, row))
        this.#keys.push({ cells, older: 0, olderUntil: null })
        this.#starts.push(this.#count + row - from)
      }
      if (older.values[row] === 0) continue
      const key = this.#keys.at(-1) as HistoryKey
      key.older = older.values[row] as number
      key.olderUntil = times.values[row] as number
      this.#append(times, events, from, row)
      from = row + 1
    }
    this.#append(times, events, from, count)
  }

  #isLastKey(columns: readonly BatchColumn[], row: number): boolean {
    const key = this.#keys.at(-1)
    if (key === undefined) return false
    for (let index = 0; index < columns.length; index++)
      if (cellAt(this.#keyTypes[index] as TypeData, columns[index] as BatchColumn, row) !== key.cells[index]) return false
    return true
  }

  #append(times: BatchColumn, events: readonly BatchColumn[], from: number, to: number): void {
    this.#times.append(times, from, to, this.#count)
    for (const [index, column] of this.#events.entries()) column.append(events[index] as BatchColumn, from, to, this.#count)
    this.#count += to - from
  }

  get keyCount(): number {
    return this.#keys.length
  }

  /** Whether there are events enough, and a key behind them. */
  get isFull(): boolean {
    return this.#count >= fullCount && this.#keys.length > 1
  }

  /** Gives the first keys with their events, then lets go of them. */
  *take(keyCount: number): Generator<KeyEvents> {
    const end = this.#starts[keyCount] ?? this.#count
    const keyStarts = [...this.#starts.slice(0, keyCount), end]
    if (this.#tieBreakers.length > 0) this.#sortTies(keyStarts)
    const columns = new Map(this.#plan.columns.map((name) => [name, this.#columns.get(name) as EventColumn]))
    yield {
      keys: this.#keys.slice(0, keyCount),
      block: { times: this.#times.numbers(end), ids: null, columns, keyStarts },
      known: this.#known.numbers(end),
    }
    this.#keys = this.#keys.slice(keyCount)
    this.#starts = this.#starts.slice(keyCount).map((start) => start - end)
    for (const column of [this.#times, ...this.#events]) column.drop(end, this.#count)
    this.#count -= end
  }

  /** Puts the events of one moment in order, which DuckDB cannot: it has another order of texts. */
  #sortTies(keyStarts: readonly number[]): void {
    const times = this.#times.numbers(keyStarts.at(-1) as number)
    for (let key = 0; key + 1 < keyStarts.length; key++) {
      const end = keyStarts[key + 1] as number
      for (let first = keyStarts[key] as number, next = first + 1; first < end; first = next++) {
        while (next < end && times[next] === times[first]) next++
        if (next - first > 1) this.#sortRows(first, next)
      }
    }
  }

  #sortRows(from: number, to: number): void {
    const order = Array.from({ length: to - from }, (_, index) => from + index)
    order.sort((a, b) => {
      for (const column of this.#tieBreakers) {
        const difference = column.compare(a, b)
        if (difference !== 0) return difference
      }
      return 0
    })
    for (const column of this.#events) column.permute(from, order)
  }
}
