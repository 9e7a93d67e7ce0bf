/** `npm run demo`: from nothing to a training set, a materialized store, a served vector and an explanation. */
import { parseArgs } from 'node:util'
import { LockstepError } from 'lockstep'
import { showError } from '../src/cli/show-error.ts'
import { retailDemo } from './demo/retail.ts'
import { shopDemo } from './demo/shop.ts'

const usage = `From nothing to a training set, a materialized store, a served vector and an explanation.

  npm run demo                      on a shop that is generated from a seed (about half a minute)
  npm run demo -- --data FILE       on real order lines, every value checked (about a minute)

  --data FILE    online_retail.parquet: Online Retail, UCI Machine Learning Repository, data set 352
  --events N     events of the generated shop (1000000)
  --seed N       the same seed and number of events give the same shop everywhere (1)
  --folder DIR   where the files go (.lockstep/demo)
  --help         this text
`

// `npm run demo | head` closes the pipe early.
process.stdout.on('error', () => process.exit(1))
const stop = new AbortController()
process.on('SIGINT', () => {
  if (stop.signal.aborted) process.exit(130)
  stop.abort()
})

process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(`\n${showError(error, { json: false })}`)
  if (!(error instanceof LockstepError)) return 1
  return error.code === 'INTERRUPTED' ? 130 : 1
})

/** The exit code. */
async function main(): Promise<number> {
  const options = readOptions()
  if (typeof options === 'number') return options
  const { data, folder, events, seed } = options
  if (data !== undefined) return await retailDemo({ data, folder, signal: stop.signal })
  return await shopDemo({ folder, events, seed, signal: stop.signal })
}

function readOptions(): { data?: string; folder: string; events: number; seed: number } | number {
  try {
    const { values } = parseArgs({
      options: {
        data: { type: 'string' },
        folder: { type: 'string', default: '.lockstep/demo' },
        events: { type: 'string', default: '1000000' },
        seed: { type: 'string', default: '1' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    if (values.help) {
      process.stdout.write(usage)
      return 0
    }
    const { data, folder } = values
    return {
      ...(data === undefined ? {} : { data }),
      folder,
      events: whole('events', values.events, 10_000),
      seed: whole('seed', values.seed, 0),
    }
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${usage}`)
    return 2
  }
}

function whole(name: string, text: string, least: number): number {
  if (/^\d{1,9}$/.test(text) && Number(text) >= least) return Number(text)
  throw new Error(`--${name} must be a whole number from ${least}, not ${text}`)
}
