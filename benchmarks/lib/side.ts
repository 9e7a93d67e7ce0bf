import type { Run } from './sides.ts'

/** Runs one side of a benchmark and tells its parent what it took. */
const [module, options] = process.argv.slice(2) as [string, string]
const { side } = (await import(module)) as { side: (options: unknown) => Promise<Run['details'] | undefined> }
const started = performance.now()
const details = await side(JSON.parse(options))
const run: Run = {
  seconds: (performance.now() - started) / 1000,
  peakMemory: process.resourceUsage().maxRSS / 1024,
  ...(details ? { details } : {}),
}
process.send?.(run, () => process.exit(0))
