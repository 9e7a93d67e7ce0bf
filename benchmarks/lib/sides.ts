import { fork } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { availableParallelism, totalmem } from 'node:os'

/** What one run of one side took. */
export interface Run {
  readonly seconds: number
  /** Largest resident memory of the process and of those it started together, in MB. */
  readonly peakMemory: number
  readonly details?: Readonly<Record<string, unknown>>
}

export interface Side {
  readonly name: string
  /** A module whose function `side` does the work; it runs in a process of its own, so that its memory is its own. */
  readonly module: string
  readonly options: Readonly<Record<string, unknown>>
}

/** Runs the sides in turn, A B A B ..., so that a machine whose speed drifts treats them alike. */
export async function runSides(sides: readonly Side[], runs: number): Promise<Run[][]> {
  const results: Run[][] = sides.map(() => [])
  for (let run = 0; run < runs; run++) {
    for (const [index, side] of sides.entries()) {
      const result = await runSide(side)
      results[index]?.push(result)
      console.log(
        `  run ${run + 1}  ${side.name.padEnd(24)} ${result.seconds.toFixed(2).padStart(8)} s ${result.peakMemory.toFixed(0).padStart(7)} MB`,
      )
    }
  }
  return results
}

export function runSide(side: Side): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = fork(new URL('./side.ts', import.meta.url), [side.module, JSON.stringify(side.options)], { execArgv: process.execArgv })
    let result: Run | null = null
    child.once('message', (message) => {
      result = message as Run
    })
    child.once('exit', (code) => (result ? resolve(result) : reject(new Error(`${side.name} ended with code ${code}`))))
  })
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}

export const machine = {
  node: process.version,
  cores: availableParallelism(),
  memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
  platform: `${process.platform} ${process.arch}`,
}

/** Prints what was measured of ours against a peer, and writes it as JSON. */
export async function report(
  name: string,
  sides: readonly Side[],
  results: readonly Run[][],
  target: string,
  file: string,
  about: Readonly<Record<string, unknown>>,
): Promise<void> {
  const summary = sides.map((side, index) => {
    const runs = results[index] as Run[]
    return {
      side: side.name,
      seconds: median(runs.map(({ seconds }) => seconds)),
      peakMemory: median(runs.map(({ peakMemory }) => peakMemory)),
      runs,
    }
  })
  const [ours, peer] = summary
  console.log(`\n${name}: medians of ${results[0]?.length} runs`)
  for (const { side, seconds, peakMemory } of summary)
    console.log(`  ${side.padEnd(24)} ${seconds.toFixed(2).padStart(8)} s ${peakMemory.toFixed(0).padStart(7)} MB`)
  const ratios = ours && peer ? { time: peer.seconds / ours.seconds, memory: ours.peakMemory / peer.peakMemory } : null
  if (ratios) console.log(`  ${ratios.time.toFixed(2)} times as fast, in ${ratios.memory.toFixed(2)} of the memory (${target})`)
  await writeFile(file, `${JSON.stringify({ name, machine, ...about, target, ratios, sides: summary }, null, 2)}\n`)
  console.log(`  written to ${file}`)
}
