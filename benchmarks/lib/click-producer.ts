import { setTimeout } from 'node:timers/promises'
import { segmentsEventLog } from '../../src/eventlog/drivers/segments.ts'
import { clickMaker } from './clicks.ts'

export interface ProducerOptions {
  /** Where the log lies. */
  readonly path: string
  /** Clicks a second, and for how many seconds. */
  readonly rate: number
  readonly seconds: number
  readonly keys: number
}

/** A click of a key that no other has, and when it was handed to the log, in milliseconds since the epoch. */
export interface Probe {
  readonly key: number
  readonly handed: number
}

/** Milliseconds between two probes. */
const probeEvery = 50

const { path, rate, seconds, keys } = JSON.parse(process.argv[2] as string) as ProducerOptions
const log = segmentsEventLog({ path })
const record = clickMaker(rate * seconds, keys)
// Encoded before the clock runs: what a producer does with its events before it hands them over is not what is measured.
const records = Array.from({ length: rate * seconds + 20_000 }, (_, index) => record(index))
const now = () => performance.timeOrigin + performance.now()
const began = now()
let probed = 0
for (let sent = 0; now() - began < seconds * 1000; ) {
  const due = Math.min(Math.floor(((now() - began) / 1000) * rate) - sent, 20_000)
  if (due > 0) {
    const batch = records.slice(sent, sent + due)
    if (now() - began > probed * probeEvery) {
      const key = keys + probed++
      batch.push(record(sent, key))
      process.send?.({ key, handed: now() } satisfies Probe)
    }
    sent += due
    await log.append('clicks', batch)
  }
  await setTimeout(5)
}
await log.close()
process.disconnect?.()
