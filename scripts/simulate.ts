/** `npm run simulate -- --seeds N [--from SEED]`: runs of the live path under faults, judged by the oracle. */
import { parseArgs } from 'node:util'
import { simulate } from '../test/simulation/simulate.ts'

const { values } = parseArgs({ options: { seeds: { type: 'string', default: '1000' }, from: { type: 'string', default: '1' } } })
const first = Number(values.from)
const last = first + Number(values.seeds)
const total = { events: 0, compared: 0, crashes: 0, takeovers: 0 }
const failed: number[] = []
const started = performance.now()
let told = started
for (let seed = first; seed < last; seed++) {
  try {
    const result = await simulate(seed)
    for (const name of Object.keys(total) as (keyof typeof total)[]) total[name] += result[name]
  } catch (error) {
    failed.push(seed)
    console.error(`seed ${seed}:`, error)
  }
  if (performance.now() - told > 5000) {
    told = performance.now()
    console.error(`${seed - first + 1} of ${last - first} seeds, ${failed.length} failed`)
  }
}
const seconds = ((performance.now() - started) / 1000).toFixed(1)
console.log(
  `${last - first} seeds in ${seconds} s: ${total.events} events, ${total.crashes} crashes, ${total.takeovers} takeovers, ${total.compared} reads compared with the oracle, ${failed.length} seeds failed${failed.length > 0 ? `: ${failed.join(', ')}` : ''}`,
)
process.exitCode = failed.length > 0 ? 1 : 0
