import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { LockstepError } from '../errors.ts'
import type { Interrupt } from './context.ts'
import type { PartitionTask } from './partition.ts'

export type WorkerAnswer =
  | { readonly progress: number }
  | { readonly done: true }
  | { readonly error: ReturnType<LockstepError['toJSON']> | null; readonly message: string }

/** What is young dies within a batch: more room for it takes some 80 MiB a process, and saves no time. */
const execArgv = ['--max-semi-space-size=4']

/**
 * Processes that compute partitions side by side. Not threads: DuckDB's binding does not come to an end in a thread that
 * is told to, and a process gives all its memory back.
 */
export class PartitionWorkers implements Disposable {
  readonly #workers: readonly ChildProcess[]

  constructor(count: number) {
    const entry = new URL(import.meta.url.endsWith('.ts') ? './partition-worker.ts' : './partition-worker.js', import.meta.url)
    this.#workers = Array.from({ length: count }, () => fork(fileURLToPath(entry), { serialization: 'advanced', execArgv }))
  }

  /** Computes all tasks, each by the first worker that is free. The first error ends the work. */
  async compute(tasks: readonly PartitionTask[], interrupt: Interrupt): Promise<void> {
    const waiting = [...tasks]
    await Promise.all(
      this.#workers.map(async (worker) => {
        for (let task = waiting.shift(); task; task = waiting.shift()) {
          interrupt.check()
          await run(worker, task, interrupt)
        }
      }),
    )
  }

  [Symbol.dispose](): void {
    for (const worker of this.#workers) worker.kill('SIGKILL')
  }
}

function run(worker: ChildProcess, task: PartitionTask, interrupt: Interrupt): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      worker.off('message', hear).off('exit', ended)
      clearInterval(watch)
      act()
    }
    const hear = (message: unknown) => {
      const answer = message as WorkerAnswer
      if ('progress' in answer) interrupt.advance(answer.progress)
      else if ('done' in answer) settle(resolve)
      else
        settle(() =>
          reject(
            answer.error
              ? new LockstepError(answer.error.code, answer.error.message, { remedy: answer.error.remedy })
              : new Error(answer.message),
          ),
        )
    }
    const ended = (code: number | null) => settle(() => reject(new Error(`A worker ended with code ${code}`)))
    // Another process cannot see the caller's signal.
    const watch = setInterval(() => {
      try {
        interrupt.check()
      } catch (error) {
        settle(() => reject(error))
      }
    }, 100)
    worker.on('message', hear).on('exit', ended)
    worker.send(task)
  })
}
