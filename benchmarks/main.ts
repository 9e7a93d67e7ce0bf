import { Command } from 'commander'
import { get } from './get.ts'
import { growth } from './growth.ts'
import { latest } from './latest.ts'
import { materialize } from './materialize.ts'
import { memory } from './memory.ts'
import { memoryState } from './memory-state.ts'
import { read } from './read.ts'
import { recovery } from './recovery.ts'
import { registry } from './registry.ts'
import { serve } from './serve.ts'
import { stream } from './stream.ts'
import { windows } from './windows.ts'

const count = (text: string): number => {
  const match = /^(\d+(?:\.\d+)?)([kM]?)$/.exec(text)
  if (!match) throw new Error(`${text} is not a number such as 500k or 20M`)
  return Number(match[1]) * { '': 1, k: 1_000, M: 1_000_000 }[match[2] as '' | 'k' | 'M']
}

const program = new Command('bench').description(
  'Measures Lockstep against a peer or a floor in the same run; prints medians and ratios, and writes JSON.',
)

program
  .command('windows')
  .description('training set of 3 exact windows x {count, sum} against the exact window functions of DuckDB')
  .option('--events <n>', 'events', count, 20_000_000)
  .option('--labels <n>', 'labels', count, 1_000_000)
  .option('--keys <n>', 'keys', count, 200_000)
  .option('--runs <n>', 'runs of each side, in turn', count, 3)
  .option('--json <file>', 'where the figures go', 'bench-windows.json')
  .action(windows)

program
  .command('latest')
  .description('training set of the newest row of a table against the ASOF JOIN of DuckDB')
  .option('--rows <n>', 'rows of the table', count, 20_000_000)
  .option('--labels <n>', 'labels', count, 1_000_000)
  .option('--keys <n>', 'keys', count, 200_000)
  .option('--runs <n>', 'runs of each side, in turn', count, 3)
  .option('--json <file>', 'where the figures go', 'bench-latest.json')
  .action(latest)

program
  .command('growth')
  .description('time and memory of `windows` at 1, 2, 4 and 8 million events: time per event stays flat')
  .option('--runs <n>', 'runs of each size', count, 3)
  .option('--json <file>', 'where the figures go', 'bench-growth.json')
  .action(growth)

program
  .command('memory')
  .description('a training set within a memory limit over data several times as large, and the same without: equal, byte for byte')
  .option('--events <n>', 'events', count, 40_000_000)
  .option('--labels <n>', 'labels', count, 1_000_000)
  .option('--users <n>', 'users, and as many items', count, 200_000)
  .option('--limit <bytes>', 'the memory limit', count, 2 ** 30)
  .option('--json <file>', 'where the figures go', 'bench-memory.json')
  .action(memory)

program
  .command('materialize')
  .description('rows written to the embedded online store, from Parquet, against plain LMDB with the same bytes')
  .option('--keys <n>', 'rows of the table, one a key', count, 1_000_000)
  .option('--events <n>', 'events of the live group, 20 a key', count, 4_000_000)
  .option('--runs <n>', 'runs of each side, in turn', count, 3)
  .option('--json <file>', 'where the figures go', 'bench-materialize.json')
  .action(materialize)

program
  .command('get')
  .description('vectors of 50 features from the embedded online store, in process, against plain LMDB with the same bytes')
  .option('--keys <n>', 'keys in the store', count, 100_000)
  .option('--reads <n>', 'vectors read in a run, as many again to warm up', count, 50_000)
  .option('--runs <n>', 'runs', count, 3)
  .option('--json <file>', 'where the figures go', 'bench-get.json')
  .action(get)

program
  .command('serve')
  .description('vectors over HTTP from the embedded store and from Redis, against a bare server with the same bytes and against Feast')
  .option('--keys <n>', 'keys of the tables', count, 100_000)
  .option('--seconds <n>', 'of each run', count, 3)
  .option('--runs <n>', 'runs of each load', count, 3)
  .option('--connections <n>', 'kept alive', count, 16)
  .option('--json <file>', 'where the figures go', 'bench-serve.json')
  .action(serve)

program
  .command('stream')
  .description('live events into 5 windowed features, durable: events a second, and how soon one is in a read')
  .option('--events <n>', 'events', count, 3_000_000)
  .option('--keys <n>', 'keys', count, 100_000)
  .option('--runs <n>', 'runs', count, 3)
  .option('--json <file>', 'where the figures go', 'bench-stream.json')
  .action(stream)

program
  .command('recovery')
  .description('how long after a crash a worker serves and has caught up, against the size of the state')
  .option('--runs <n>', 'runs of each size', count, 3)
  .option('--json <file>', 'where the figures go', 'bench-recovery.json')
  .action(recovery)

program
  .command('read')
  .description('exact windows over 100 to 1,000,000 events of one key, in memory, against a raw scan of arrays')
  .option('--reads <n>', 'reads of each kind', count, 2000)
  .option('--json <file>', 'where the figures go', 'bench-read.json')
  .action(read)

program
  .command('memory-state')
  .description('bytes of live state by key and by event')
  .option('--keys <n>', 'keys', count, 100_000)
  .option('--json <file>', 'where the figures go', 'bench-memory-state.json')
  .action(memoryState)

program
  .command('registry')
  .description('plan, apply, search and the start of a server over the definitions of a company, on SQLite and PostgreSQL')
  .option('--groups <n>', 'groups, of 10 features each', count, 1000)
  .option('--runs <n>', 'runs of each', count, 3)
  .option('--json <file>', 'where the figures go', 'bench-registry.json')
  .action(registry)

await program.parseAsync()
