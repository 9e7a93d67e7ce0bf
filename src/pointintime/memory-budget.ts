import type { DuckOptions } from '../offline/index.ts'

/** What a process takes before it works: the runtime, the code of the engine, and what both keep back of what they free. */
const processBytes = 160 * 2 ** 20

/** How the memory that work may use is shared out, in bytes. */
export interface MemoryBudget {
  /** What the engine that deals out and joins is told to keep to; it takes about a third more. */
  readonly engine: number
  /** The same of each engine that reads a partition. */
  readonly partitionEngine: number
  /** The history of a partition as columns, and the moments with their values. */
  readonly history: number
  readonly moments: number
}

/** Shares out a memory limit among this process and, where there are several, the workers beside it. */
export function memoryBudget(limit: number, workers = 1): MemoryBudget {
  const processes = workers === 1 ? 1 : 1 + workers
  const free = Math.max(limit - processes * processBytes, limit / 4)
  return {
    engine: 0.35 * free,
    partitionEngine: (0.12 * free) / workers,
    history: (0.2 * free) / workers,
    moments: (0.08 * free) / workers,
  }
}

/** What long work may be told about the engine that does it. */
export interface WorkOptions {
  /** Bytes that the work may use in all. */
  readonly memoryLimit?: number
  readonly threads?: number
  readonly workers?: number
  readonly temporaryFolder?: string
}

export function engineOptions({ memoryLimit, threads, workers, temporaryFolder }: WorkOptions): DuckOptions {
  return {
    ...(temporaryFolder === undefined ? {} : { temporaryFolder }),
    ...(threads === undefined ? {} : { threads }),
    ...(memoryLimit === undefined ? {} : { memoryLimitBytes: memoryBudget(memoryLimit, workers).engine }),
  }
}
