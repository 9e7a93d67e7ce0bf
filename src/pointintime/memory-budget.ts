import { availableParallelism } from 'node:os'
import type { DuckOptions } from '../offline/index.ts'

const mebibyte = 2 ** 20

/**
 * What a process takes besides the data of its work: the runtime, the code of the engine, and what both keep back of what
 * they free. The one that is called has more of all three than one that only computes partitions.
 */
const processBytes = 320 * mebibyte
const callerBytes = 224 * mebibyte
const workerBytes = 160 * mebibyte

/** What there has to be for data, in all and for each further worker; a limit that leaves less is not kept. */
const leastBytes = 160 * mebibyte
const leastWorkerBytes = 64 * mebibyte

/** The engine sorts in a buffer for each thread. */
const threadBytes = 32 * mebibyte

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

const takenBytes = (workers: number): number => (workers === 1 ? processBytes : callerBytes + workers * workerBytes)
const neededBytes = (workers: number): number => leastBytes + (workers - 1) * leastWorkerBytes

/** Shares out a memory limit among this process and, where there are several, the workers beside it. */
export function memoryBudget(limit: number, workers = 1): MemoryBudget {
  const free = Math.max(limit - takenBytes(workers), neededBytes(workers))
  return {
    engine: 0.42 * free,
    partitionEngine: Math.max((0.12 * free) / workers, threadBytes),
    history: (0.24 * free) / workers,
    moments: (0.1 * free) / workers,
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

/** As many of the workers asked for (1 by default) as the memory limit has room for. */
export function workersWithin({ memoryLimit = Number.POSITIVE_INFINITY, workers = 1 }: WorkOptions): number {
  let within = workers
  while (within > 1 && memoryLimit < takenBytes(within) + neededBytes(within)) within--
  return within
}

export function engineOptions(options: WorkOptions): DuckOptions {
  const { memoryLimit, threads, temporaryFolder } = options
  const folder = temporaryFolder === undefined ? {} : { temporaryFolder }
  if (memoryLimit === undefined) return { ...folder, ...(threads === undefined ? {} : { threads }) }
  const { engine } = memoryBudget(memoryLimit, workersWithin(options))
  return { ...folder, threads: threads ?? Math.min(availableParallelism(), Math.floor(engine / threadBytes)), memoryLimitBytes: engine }
}
