import { watchMemory } from './peak-memory.ts'
import type { Run } from './sides.ts'

/** Runs one side of a benchmark and tells its parent what it took. */
const [module, options] = process.argv.slice(2) as [string, string]
const { side } = (await import(module)) as { side: (options: unknown) => Promise<Run['details'] | undefined> }
const peakMemory = watchMemory()
const started = performance.now()
const details = await side(JSON.parse(options))
const run: Run = {
  seconds: (performance.now() - started) / 1000,
  peakMemory: peakMemory(),
  ...(details ? { details } : {}),
}
process.send?.(run, () => process.exit(0))
