import { LockstepError } from '../../errors.ts'
import { checkCommit, checkRows, checkTable, closedStore } from '../check.ts'
import { tableFamily } from '../family.ts'
import type { RedisOnlineStoreOptions } from '../redis-options.ts'
import type {
  OnlineRead,
  OnlineRow,
  OnlineStore,
  OnlineStoreCapabilities,
  OnlineValues,
  TableRows,
  TextChange,
  WriteResult,
} from '../store.ts'
import type { Argument, Reply } from './redis/client.ts'
import { redisFailure } from './redis/failure.ts'
import { byteText, Layout, packRecords, recordValue, recordVersion, textBytes } from './redis/layout.ts'
import { NoAnswer, refusalOf } from './redis/no-answer.ts'
import { commitScript, type Script, writeScript } from './redis/scripts.ts'
import { Cluster, type Servers, SingleServer, type Way } from './redis/servers.ts'
import { type Settings, settingsOf } from './redis/settings.ts'

/**
 * Rows in Redis or Valkey: one server, or the masters of a cluster. Needs the package `@redis/client`, which is loaded when the store
 * is first used. While the servers cannot be reached every call throws `STORE_UNAVAILABLE`; it goes on by itself when they are back.
 */
export function redisOnlineStore(options: RedisOnlineStoreOptions): OnlineStore {
  return new RedisOnlineStore(settingsOf(options))
}

/** That of LMDB, so that what is stored in one can be stored in the other. */
const maxKeyBytes = 1977

/** What one script or command takes: below a millisecond in which the server answers nobody else. */
const batchRows = 256
const batchBytes = 256 * 1024
const readKeys = 4096
const scanKeys = 1000
/** Slots that are written at the same time. */
const slotsAtOnce = 32

const reading: Way = { repeatable: true, patient: false }
const repeating: Way = { repeatable: true, patient: true }
const once: Way = { repeatable: false, patient: true }

interface Keyed {
  readonly key: string
  readonly slot: number
}

/** A key and where its answer goes. */
interface Place extends Keyed {
  readonly at: number
}

class RedisOnlineStore implements OnlineStore {
  readonly name = 'redis'
  readonly capabilities: OnlineStoreCapabilities
  readonly commit?: NonNullable<OnlineStore['commit']>
  readonly #settings: Settings
  readonly #layout: Layout
  readonly #servers: Servers
  readonly #expire: string
  readonly #underway = new Set<Promise<unknown>>()
  #marker: 'unknown' | 'read' | 'written' = 'unknown'
  #closing: Promise<void> | undefined

  constructor(settings: Settings) {
    const { cluster, spread, prefix, expireAfter } = settings
    this.#settings = settings
    this.#layout = new Layout(prefix, settings)
    this.#servers = cluster ? new Cluster(settings) : new SingleServer(settings)
    this.#expire = expireAfter === null ? '' : `${expireAfter}`
    this.capabilities = {
      durable: true,
      sharedByProcesses: true,
      transactions: !spread,
      transactionsWithin: cluster ? 'family' : 'store',
      maxKeyBytes,
    }
    if (!spread) this.commit = (texts, writes) => this.#commit(texts, writes)
  }

  async read(reads: readonly OnlineRead[]): Promise<OnlineValues[]> {
    for (const { table } of reads) checkTable(table)
    return await this.#whileOpen(reading, async () => {
      const wanted: Place[] = []
      let count = 0
      for (const { table, keys } of reads) {
        const start = this.#layout.rows(table)
        for (const bytes of keys) {
          const at = count++
          if (bytes.length > maxKeyBytes) continue
          const key = start + byteText(bytes)
          wanted.push({ key, slot: this.#layout.slotIn(table, key), at })
        }
      }
      const records = await this.#records(wanted, count)
      let next = 0
      return reads.map(({ keys }): OnlineValues => keys.map(() => valueIn(records[next++])))
    })
  }

  async write(table: string, rows: readonly OnlineRow[]): Promise<WriteResult> {
    checkRows(table, rows, maxKeyBytes)
    return await this.#whileOpen(repeating, async () => {
      const start = this.#layout.rows(table)
      const keyed = rows.map((row) => {
        const key = start + byteText(row.key)
        return { key, slot: this.#layout.slotIn(table, key), row }
      })
      let written = 0
      await eachAtOnce(bySlot(keyed), slotsAtOnce, async (ofSlot) => {
        // One after the other: of rows with equal key and version the last one stays, whatever has to be sent again.
        for (const batch of batchesOf(ofSlot)) {
          const packed = packRecords(batch.map(({ row }) => row))
          const stored = await this.#run(writeScript, batch, [this.#expire, packed], repeating)
          written += Number(stored)
        }
      })
      return { written, older: rows.length - written }
    })
  }

  async delete(table: string, keys: readonly Uint8Array[]): Promise<number> {
    checkTable(table)
    return await this.#whileOpen(once, async () => {
      const start = this.#layout.rows(table)
      const keyed = keys.flatMap((bytes) => {
        const key = start + byteText(bytes)
        return bytes.length > maxKeyBytes ? [] : [{ key, slot: this.#layout.slotIn(table, key) }]
      })
      let deleted = 0
      await eachAtOnce(bySlot(keyed), slotsAtOnce, async (ofSlot) => {
        for (const batch of slices(ofSlot, batchRows)) {
          const there = await this.#sendFor(batch, ['DEL'], once)
          deleted += Number(there)
        }
      })
      return deleted
    })
  }

  async *scan(table: string): AsyncGenerator<OnlineRow> {
    checkTable(table)
    const start = this.#layout.rows(table)
    // A server whose table of keys grows or shrinks may give a key twice.
    const seen = new Set<string>()
    for await (const found of this.#keys(`${start}*`)) {
      const fresh = found.filter((key) => !seen.has(key) && seen.add(key))
      const places = fresh.map((key, at) => ({ key, slot: this.#layout.slotIn(table, key), at }))
      const records = await this.#whileOpen(reading, () => this.#records(places, places.length))
      for (const [at, key] of fresh.entries()) {
        const record = records[at] ?? null
        if (record === null) continue
        yield { key: textBytes(key.slice(start.length)), version: recordVersion(record), value: recordValue(record) }
      }
    }
    this.#checkOpen()
  }

  async tables(): Promise<string[]> {
    const found = new Set<string>()
    for await (const keys of this.#keys(this.#layout.everything)) for (const key of keys) found.add(this.#layout.tableOf(key))
    return [...found].sort()
  }

  async drop(table: string): Promise<void> {
    checkTable(table)
    for await (const keys of this.#keys(`${this.#layout.rows(table)}*`)) {
      const keyed = keys.map((key) => ({ key, slot: this.#layout.slotIn(table, key) }))
      await this.#whileOpen(repeating, () =>
        eachAtOnce(bySlot(keyed), slotsAtOnce, async (ofSlot) => {
          for (const batch of slices(ofSlot, batchRows)) await this.#sendFor(batch, ['DEL'], repeating)
        }),
      )
    }
    await this.#whileOpen(repeating, () => this.#ofKey(this.#layout.text(table), (key) => ['DEL', key], repeating))
  }

  async readMeta(table: string): Promise<string | null> {
    checkTable(table)
    const text = await this.#whileOpen(reading, () => this.#ofKey(this.#layout.text(table), (key) => ['GET', key], reading))
    return text === null ? null : `${text}`
  }

  async writeMeta(table: string, text: string): Promise<void> {
    checkTable(table)
    // Not again where it may have been done: another text may have come after it.
    await this.#whileOpen(once, () => this.#ofKey(this.#layout.text(table), (key) => ['SET', key, text], once))
  }

  close(): Promise<void> {
    this.#closing ??= Promise.allSettled(this.#underway).then(() => this.#servers.close())
    return this.#closing
  }

  async #commit(texts: readonly TextChange[], writes: readonly TableRows[]): Promise<boolean> {
    checkCommit(texts, writes, maxKeyBytes)
    const tables = [...texts, ...writes].map(({ table }) => table)
    const families = new Set(tables.map(tableFamily))
    if (this.#settings.cluster && families.size > 1) {
      throw new LockstepError('INVALID_ARGUMENT', `A cluster commits tables of one family, not of ${[...families].join(', ')}`)
    }
    return await this.#whileOpen(once, async () => {
      const [first] = tables
      if (first === undefined) return true
      const slot = this.#layout.slot(this.#layout.text(first))
      const keys = [
        ...texts.map(({ table }) => this.#layout.text(table)),
        ...writes.flatMap(({ table, rows }) => {
          const start = this.#layout.rows(table)
          return rows.map(({ key }) => start + byteText(key))
        }),
      ]
      if (keys.length === 0) return true
      const changes = texts.flatMap(({ expected, text }) => [expected === null ? '' : `=${expected}`, text])
      const given = [this.#expire, packRecords(writes.flatMap(({ rows }) => rows)), `${texts.length}`, ...changes]
      const keyed = keys.map((key) => ({ key, slot }))
      return (await this.#run(commitScript, keyed, given, once)) === 1
    })
  }

  /** What is stored under the keys, each at its place. All is asked at once, by a command for each slot. */
  async #records(wanted: readonly Place[], count: number): Promise<(Buffer | null)[]> {
    const records = new Array<Buffer | null>(count).fill(null)
    const batches = bySlot(wanted).flatMap((ofSlot) => [...slices(ofSlot, readKeys)])
    await Promise.all(
      batches.map(async (batch) => {
        const found = (await this.#sendFor(batch, ['MGET'], reading)) as (Buffer | null)[]
        for (let index = 0; index < batch.length; index++) records[(batch[index] as Place).at] = found[index] as Buffer | null
      }),
    )
    return records
  }

  /** Sends a command with the keys, which are all of one slot. */
  async #sendFor(batch: readonly Keyed[], command: readonly string[], way: Way): Promise<Reply> {
    return await this.#servers.send((batch[0] as Keyed).slot, [...command, ...batch.map(({ key }) => key)], way)
  }

  async #ofKey(key: string, command: (key: string) => Argument[], way: Way): Promise<Reply> {
    return await this.#servers.send(this.#layout.slot(key), command(key), way)
  }

  /** Runs a script with keys that are all of one slot. A server that does not know it has done nothing. */
  async #run({ text, digest }: Script, keyed: readonly Keyed[], given: readonly Argument[], way: Way): Promise<Reply> {
    const slot = (keyed[0] as Keyed).slot
    const rest = [`${keyed.length}`, ...keyed.map(({ key }) => key), ...given]
    try {
      return await this.#servers.send(slot, ['EVALSHA', digest, ...rest], way)
    } catch (error) {
      if (refusalOf(error) !== 'NOSCRIPT') throw error
      return await this.#servers.send(slot, ['EVAL', text, ...rest], way)
    }
  }

  /** All keys that fit a pattern, some at a time; some may come twice. A server that was started anew has another order of keys. */
  async *#keys(pattern: string): AsyncGenerator<string[]> {
    for (const master of await this.#whileOpen(reading, () => this.#servers.masters())) {
      let [cursor, times] = ['0', 0]
      do {
        const command = ['SCAN', cursor, 'MATCH', pattern, 'COUNT', `${scanKeys}`]
        const [next, keys] = (await this.#whileOpen(reading, () => this.#servers.send(master, command, repeating))) as [Buffer, Buffer[]]
        if (cursor !== '0' && master.times !== times) throw redisFailure(this.#settings, new NoAnswer('a scan was interrupted'))
        ;[cursor, times] = [`${next}`, master.times]
        if (keys.length > 0) yield keys.map((key) => key.toString())
      } while (cursor !== '0')
    }
  }

  /** The store is not closed before the work is done; what fails is told in our words. */
  #whileOpen<T>(way: Way, work: () => Promise<T>): Promise<T> {
    this.#checkOpen()
    const done = this.#translated(way, work).finally(() => this.#underway.delete(done))
    this.#underway.add(done)
    return done
  }

  async #translated<T>(way: Way, work: () => Promise<T>): Promise<T> {
    try {
      if (this.#marker !== 'written') await this.#checkMarker(way)
      return await work()
    } catch (error) {
      throw redisFailure(this.#settings, error)
    }
  }

  /** What is stored has the layout that is looked for; whoever writes first says which. */
  async #checkMarker(way: Way): Promise<void> {
    if (this.#marker === 'read' && !way.patient) return
    const { key, text } = this.#layout.marker
    if (way.patient) await this.#ofKey(key, (marker) => ['SETNX', marker, text], { ...way, repeatable: true })
    const found = await this.#ofKey(key, (marker) => ['GET', marker], reading)
    if (found !== null && `${found}` !== text) {
      throw new LockstepError('STORE_CORRUPT', `The online store in Redis is laid out as ${found}, not as ${text}`, {
        where: this.#settings.prefix,
        remedy: 'Say the same of `spread` in all processes, or take another prefix and materialize again.',
      })
    }
    this.#marker = way.patient ? 'written' : 'read'
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw closedStore(this.name)
  }
}

const valueIn = (record: Buffer | null | undefined): Uint8Array | null => (record ? recordValue(record) : null)

/** In the order of each slot. */
function bySlot<T extends Keyed>(keyed: readonly T[]): (readonly T[])[] {
  const [first] = keyed
  if (first === undefined) return []
  // The rule where there is one server.
  if (keyed.every(({ slot }) => slot === first.slot)) return [keyed]
  const slots = new Map<number, T[]>()
  for (const one of keyed) {
    const same = slots.get(one.slot)
    if (same) same.push(one)
    else slots.set(one.slot, [one])
  }
  return [...slots.values()]
}

function* slices<T>(items: readonly T[], length: number): Generator<readonly T[]> {
  if (items.length <= length) return yield items
  for (let at = 0; at < items.length; at += length) yield items.slice(at, at + length)
}

function* batchesOf<T extends { readonly row: OnlineRow }>(keyed: readonly T[]): Generator<T[]> {
  let batch: T[] = []
  let bytes = 0
  for (const one of keyed) {
    const { key, version, value } = one.row
    const more = key.length + version.length + value.length
    if (batch.length > 0 && (batch.length === batchRows || bytes + more > batchBytes)) {
      yield batch
      batch = []
      bytes = 0
    }
    batch.push(one)
    bytes += more
  }
  if (batch.length > 0) yield batch
}

/** Does the work for each item, for so many at the same time; when one fails it begins no other, and waits for those under way. */
async function eachAtOnce<T>(items: readonly T[], most: number, work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values()
  let failed = false
  const workers = Array.from({ length: Math.min(most, items.length) }, async () => {
    for (const item of left) {
      if (failed) return
      await work(item).catch((error) => {
        failed = true
        throw error
      })
    }
  })
  const failure = (await Promise.allSettled(workers)).find(({ status }) => status === 'rejected')
  if (failure) throw (failure as PromiseRejectedResult).reason
}
