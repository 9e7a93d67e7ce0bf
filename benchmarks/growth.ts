import { writeFile } from 'node:fs/promises'
import { eventsFile, labelsFile } from './lib/data.ts'
import { machine, median, runSide } from './lib/sides.ts'

/** Time per event of the training set of `windows`, at growing sizes with as many events per key and per label. */
export async function growth({ runs, json }: { readonly runs: number; readonly json: string }): Promise<void> {
  console.log('growth: 1, 2, 4 and 8 million events, 100 a key, 20 a label')
  const sizes: { events: number; seconds: number; microsecondsPerEvent: number; peakMemory: number }[] = []
  for (const millions of [1, 2, 4, 8]) {
    const events = millions * 1_000_000
    const files = { events: await eventsFile(events, events / 100), labels: await labelsFile(events / 20, events / 100) }
    const results = []
    for (let run = 0; run < runs; run++)
      results.push(
        await runSide({ name: 'Lockstep', module: new URL('./windows.ts', import.meta.url).href, options: { side: 'lockstep', ...files } }),
      )
    const seconds = median(results.map((result) => result.seconds))
    const peakMemory = median(results.map((result) => result.peakMemory))
    sizes.push({ events, seconds, microsecondsPerEvent: (seconds / events) * 1e6, peakMemory })
    console.log(
      `  ${String(millions).padStart(2)} M events ${seconds.toFixed(2).padStart(7)} s ${((seconds / events) * 1e6).toFixed(3).padStart(8)} µs an event ${peakMemory.toFixed(0).padStart(6)} MB`,
    )
  }
  const [first, last] = [sizes[0], sizes.at(-1)]
  const ratio = (last?.microsecondsPerEvent ?? 0) / (first?.microsecondsPerEvent ?? 1)
  console.log(`  time per event at 8 M is ${ratio.toFixed(2)} of that at 1 M (flat: about 1 or below)`)
  await writeFile(json, `${JSON.stringify({ name: 'growth', machine, sizes, ratio }, null, 2)}\n`)
  console.log(`  written to ${json}`)
}
