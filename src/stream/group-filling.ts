import type { SourceData, StreamData } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import type { Clock } from '../lib/clock.ts'
import type { LandedFile } from '../offline/index.ts'
import { checkOnlineMeta, onlineMeta, onlineTable } from '../serving/index.ts'
import { type Filled, type FillPositions, filledFrom, fillOnce, refill } from './fill.ts'
import { rowVersion } from './group-unit.ts'
import type { LiveMember } from './live-members.ts'
import type { StreamOptions } from './stream-options.ts'
import { fillTable, historyTable, routerTable, unitTable } from './tables.ts'
import { parseUnitText } from './unit-text.ts'

interface Filling extends Pick<StreamOptions, 'log' | 'state' | 'landing' | 'fill'> {
  readonly worker: string
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Stores and lands what this worker has taken of a topic. */
  readonly flush: (topic: string) => Promise<void>
}

const askEvery = 50

/** Brings to groups what happened before their units begin. One worker does it for each. */
export class GroupFilling {
  readonly #options: Filling

  constructor(options: Filling) {
    this.#options = options
  }

  /** Where there is no past to be filled from, units begin with the log. */
  async already(member: LiveMember): Promise<Filled | null> {
    const { state, log } = this.#options
    const { group } = member.plan
    checkOnlineMeta(group, await state.readMeta(onlineTable(group)))
    const known = await filledFrom(state, fillTable(group))
    if (known && !(await this.#hasLost(member, known))) return known
    if (known) {
      await refill(state, fillTable(group))
      return null
    }
    const { history, stream } = member.feed.source
    const offsets = await log.offsets((stream as StreamData).topic)
    if (history !== null || offsets.some(({ first }) => first > 0)) return null
    const positions = Object.fromEntries(offsets.map(({ partition }) => [partition, 0]))
    await state.writeMeta(onlineTable(group), onlineMeta(group))
    return await this.#once(member, async () => positions)
  }

  /** Whether the log no longer holds what comes next for a group: nobody has kept it up to date for long. */
  async #hasLost({ plan: { group }, feed }: LiveMember, { epoch, positions }: Filled): Promise<boolean> {
    const { state, log } = this.#options
    const topic = (feed.source.stream as StreamData).topic
    const unitTexts =
      feed.topic === topic ? (partition: number) => unitTable(group, partition) : (partition: number) => routerTable(feed.topic, partition)
    for (const { partition, first } of await log.offsets(topic)) {
      const text = parseUnitText(await state.readMeta(unitTexts(partition)))
      const begun = text !== null && (feed.topic !== topic || text.epoch >= epoch)
      if ((begun ? text.position : (positions[partition] ?? 0)) < first) return true
    }
    return false
  }

  /** Fills a group from its history; null where it was to end before. */
  async fill(member: LiveMember): Promise<Filled | null> {
    const { fill, signal } = this.#options
    const { group } = member.plan
    return await this.#once(member, async (epoch) => {
      if (!fill) throw new LockstepError('INVALID_ARGUMENT', `The group ${group.name} has a past, and the engine was given no fill`)
      const { positions, files } = await this.#landed(member.feed.source)
      await fill(group, files, rowVersion(epoch, 0), signal)
      return positions
    })
  }

  async #once({ plan: { group }, feed }: LiveMember, work: (epoch: number) => Promise<FillPositions>): Promise<Filled | null> {
    const { state, log, worker, clock, signal } = this.#options
    const unitEpoch = async () => {
      const partitions = (await log.partitions(feed.topic)) ?? 0
      const texts = await Promise.all(Array.from({ length: partitions }, (_, partition) => state.readMeta(unitTable(group, partition))))
      return Math.max(0, ...texts.map((text) => parseUnitText(text)?.epoch ?? 0))
    }
    return await fillOnce(state, fillTable(group), worker, clock, signal, unitEpoch, work)
  }

  /** Waits until history holds all that the log has now; gives what it holds and how far it goes then. */
  async #landed(source: SourceData): Promise<{ positions: FillPositions; files: readonly LandedFile[] }> {
    const { log, state, landing, clock, signal, flush } = this.#options
    const { topic } = source.stream as StreamData
    const positions: Record<string, number> = {}
    const files: LandedFile[] = []
    for (const { partition, first, next } of await log.offsets(topic)) {
      positions[partition] = first
      while (landing && !signal.aborted) {
        const text = parseUnitText(await state.readMeta(historyTable(source.name, partition)))
        if ((text?.position ?? 0) >= next) {
          positions[partition] = text?.position ?? 0
          files.push(...((text?.details as readonly LandedFile[] | undefined) ?? []))
          break
        }
        await flush(topic)
        await clock.sleep(askEvery, signal)
      }
    }
    return { positions, files }
  }
}
